using KernelBypass.Channel.Server;

namespace KernelBypass.Channel.Tests;

/// <summary>A data plane's main loop on a thread, with nothing behind it but a handler.</summary>
internal sealed class ServerThread : IDisposable
{
    private readonly Thread _thread;
    private volatile bool _stop;
    private volatile bool _paused;
    private volatile Action<ControlServer>? _once;

    internal ServerThread(RunDirectory run, RecordingHandler handler, ChannelOptions? options = null)
    {
        Handler = handler;
        Server = ControlServer.Create(run, options ?? new ChannelOptions { BatchFlows = 1000 });
        Server.State = SharedMemory.DataPlaneState.Running;
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    internal ControlServer Server { get; }

    internal RecordingHandler Handler { get; }

    /// <summary>Keeps the loop from polling.</summary>
    internal bool Paused
    {
        get => _paused;
        set => _paused = value;
    }

    /// <summary>Runs on the server's thread in its next turn.</summary>
    internal void Post(Action<ControlServer> work) => _once = work;

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        Server.Dispose();
    }

    private void Run()
    {
        while (!_stop)
        {
            if (_paused)
            {
                Thread.Sleep(1);
                continue;
            }

            Interlocked.Exchange(ref _once, null)?.Invoke(Server);
            if (Server.Poll(Handler, 4096) == 0) Server.Wait(1000);
        }
    }
}
