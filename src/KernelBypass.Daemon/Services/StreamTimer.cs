using Grpc.Core;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;

namespace KernelBypass.Daemon.Services;

/// <summary>Bounds a capture or trace in time, and ends it when its data plane does.</summary>
internal sealed class StreamTimer : IDisposable
{
    private readonly CancellationToken _caller;
    private readonly CancellationTokenSource _end;
    private readonly Task<string> _closed;

    private StreamTimer(CancellationTokenSource end, Task<string> closed, CancellationToken caller)
    {
        _caller = caller;
        _end = end;
        _closed = closed;
    }

    /// <summary>Starts the clock; 0 ms never ends.</summary>
    internal static StreamTimer Create(ulong durationMs, DataPlaneSession session, CancellationToken caller)
    {
        var end = CancellationTokenSource.CreateLinkedTokenSource(caller);
        if (durationMs > 0) end.CancelAfter(TimeSpan.FromMilliseconds(Math.Min(durationMs, int.MaxValue)));
        var timer = new StreamTimer(end, session.Control.Closed, caller);
        _ = timer._closed.ContinueWith(_ => timer.Cancel(), TaskScheduler.Default);
        return timer;
    }

    /// <summary>Waits for an event; false when the time is over.</summary>
    /// <exception cref="OperationCanceledException">The caller is gone.</exception>
    /// <exception cref="FlowException">The data plane is gone.</exception>
    internal async Task<bool> WaitAsync<T>(EventSubscription<T> events)
    {
        try
        {
            return await events.WaitAsync(_end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_caller.IsCancellationRequested)
        {
            if (_closed.IsCompleted) throw new FlowException(StatusCode.Unavailable, $"the data plane is gone: {await _closed.ConfigureAwait(false)}");
            return false;
        }
    }

    public void Dispose() => _end.Dispose();

    private void Cancel()
    {
        try
        {
            _end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The stream has ended already.
        }
    }
}
