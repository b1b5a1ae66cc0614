using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace KernelBypass.Dpdk;

/// <summary>
/// The main lcore: rte_eal_init makes the thread that calls it a lcore and pins it, so it is called on this one, which runs
/// nothing but what <see cref="Eal.Invoke(Action)"/> gives it.
/// </summary>
internal sealed class EalThread
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;

    internal EalThread()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "kb-main-lcore" };
        _thread.Start();
    }

    internal bool IsCurrent => Thread.CurrentThread == _thread;

    internal void Invoke(Action action)
    {
        if (IsCurrent)
        {
            action();
            return;
        }

        using var done = new ManualResetEventSlim();
        ExceptionDispatchInfo? failure = null;
        _work.Add(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                done.Set();
            }
        });
        done.Wait();
        failure?.Throw();
    }

    internal void Stop()
    {
        _work.CompleteAdding();
        if (!IsCurrent)
            _thread.Join();
    }

    private void Run()
    {
        foreach (Action action in _work.GetConsumingEnumerable())
            action();
    }
}
