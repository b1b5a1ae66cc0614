using KernelBypass.Channel;
using KernelBypass.Channel.Client;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Daemon.Configuration;

namespace KernelBypass.Daemon.DataPlane;

/// <summary>One attachment to a running data plane: its commands, its metrics and its flows' counters.</summary>
internal sealed class DataPlaneSession : IAsyncDisposable
{
    private readonly MetricsReader _metrics;
    private readonly FlowStatsReader _counters;
    private readonly Lock _metricsLock = new();
    private readonly Lock _countersLock = new();
    private bool _disposed;

    private DataPlaneSession(ControlClient control, MetricsReader metrics, FlowStatsReader counters)
    {
        Control = control;
        _metrics = metrics;
        _counters = counters;
    }

    /// <summary>The commands.</summary>
    internal ControlClient Control { get; }

    /// <summary>Tells this data plane from the one before and the next.</summary>
    internal ulong Instance => (ulong)Control.DataPlane.StartedUnixNs;

    /// <summary>Attaches to the data plane of a run directory.</summary>
    /// <exception cref="ChannelBusyException">Another kernelbypassd is attached.</exception>
    /// <exception cref="ChannelException">There is none, or it is of another release.</exception>
    internal static async Task<DataPlaneSession> AttachAsync(
        DataPlaneConfig config, IChannelEventHandler events, CancellationToken cancellation)
    {
        var directory = new RunDirectory(config.RunDir);
        var options = new ControlClientOptions
        {
            Version = DaemonProgram.Release,
            CommandTimeout = TimeSpan.FromMilliseconds(config.CommandTimeoutMs),
            PortTimeout = TimeSpan.FromMilliseconds(Math.Max(config.CommandTimeoutMs, 60_000)),
        };
        var control = await ControlClient.AttachAsync(directory, events, options, cancellation).ConfigureAwait(false);
        MetricsReader? metrics = null;
        try
        {
            metrics = MetricsReader.Open(directory);
            return new(control, metrics, FlowStatsReader.Open(directory));
        }
        catch
        {
            metrics?.Dispose();
            await control.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Every metric as it stands.</summary>
    /// <exception cref="ChannelException">The file makes no sense.</exception>
    internal MetricsSnapshot ReadMetrics()
    {
        lock (_metricsLock) return _disposed ? throw new ChannelException("the data plane is gone") : _metrics.Snapshot();
    }

    /// <summary>A flow's counters; zeros when the data plane is gone.</summary>
    internal FlowCounters ReadCounters(uint slot)
    {
        lock (_countersLock) return _disposed ? default : _counters.Read(slot);
    }

    public async ValueTask DisposeAsync()
    {
        await Control.DisposeAsync().ConfigureAwait(false);
        // The mappings go; a reader that is late must find out before it touches them.
        lock (_metricsLock)
        {
            lock (_countersLock)
            {
                if (_disposed) return;
                _disposed = true;
                _metrics.Dispose();
                _counters.Dispose();
            }
        }
    }
}
