using System.Collections.Concurrent;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.Channel.Client;

/// <summary>
/// The daemon's end of control.shm. Thread-safe. Commands are written in turn; each call waits for its own answer. When the
/// command
/// ring is full a caller waits its turn (back-pressure). A time-out leaves open whether the change was made: a dump tells.
/// </summary>
public sealed partial class ControlClient : IAsyncDisposable
{
    private const long SleepMicroseconds = 100_000;

    private readonly RunDirectory _directory;
    private readonly ControlClientOptions _options;
    private readonly IChannelEventHandler _handler;
    private readonly SharedLock _lock;
    private readonly SharedLockProbe _dataPlaneLock;
    private readonly ControlRegion _region;
    private readonly SharedDoorbell _bell;
    private readonly SemaphoreSlim _commandGate = new(1, 1);
    private readonly Lock _packetOutGate = new();
    private readonly ConcurrentDictionary<ulong, PendingCall> _pending = new();
    private readonly TaskCompletionSource<string> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private SharedRingWriter _commands = null!;
    private SharedRingWriter _packetOuts = null!;
    private SharedRingReader _events = null!;
    private SharedRingReader _packets = null!;
    private uint _epoch;
    private ulong _lastCall;
    private volatile bool _stopping;

    private ControlClient(RunDirectory directory, IChannelEventHandler handler, ControlClientOptions options, SharedLock taken)
    {
        _directory = directory;
        _handler = handler;
        _options = options;
        _lock = taken;
        _dataPlaneLock = SharedLock.OpenProbe(directory.DataPlaneLock);
        try
        {
            if (!_dataPlaneLock.IsHeld)
                throw new ChannelException($"no kernelbypass-dataplane runs in '{directory.Path}': start it, or correct run_dir");
            _region = ControlRegion.Open(directory.Control);
            _bell = new SharedDoorbell(directory.DaemonBell, directory.DataPlaneBell);
        }
        catch
        {
            _region?.Dispose();
            _dataPlaneLock.Dispose();
            throw;
        }

        _thread = new Thread(Receive) { IsBackground = true, Name = "kb-channel" };
    }

    /// <summary>The data plane as it introduced itself.</summary>
    public HelloAnswer DataPlane { get; private set; } = new();

    /// <summary>Ends, with the reason, when the channel is closed.</summary>
    public Task<string> Closed => _closed.Task;

    /// <summary>What the data plane is doing, as its head says.</summary>
    public DataPlaneState State => _stopping ? DataPlaneState.Closed : _region.State;

    /// <summary>Attaches to the data plane of a run directory.</summary>
    /// <exception cref="ChannelBusyException">Another daemon is attached.</exception>
    /// <exception cref="ChannelException">No data plane runs there, it is of another release, or it does not answer.</exception>
    public static async Task<ControlClient> AttachAsync(
        RunDirectory directory, IChannelEventHandler handler, ControlClientOptions options,
            CancellationToken cancellation = default)
    {
        if (!Directory.Exists(directory.Path))
            throw new ChannelException($"no kernelbypass-dataplane runs in '{directory.Path}': there is no such directory");
        var taken = SharedLock.TryTake(directory.DaemonLock) ?? throw Busy(directory);
        ControlClient? client = null;
        try
        {
            client = new ControlClient(directory, handler, options, taken);
            await client.RequestEpochAsync(cancellation).ConfigureAwait(false);
            client._thread.Start();
            client.DataPlane = await client.HelloAsync(cancellation).ConfigureAwait(false);
            return client;
        }
        catch
        {
            if (client is not null) await client.DisposeAsync().ConfigureAwait(false);
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Detaches; the data plane goes on. Calls that wait fail.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping) return;
        _stopping = true;
        if (_thread.IsAlive) await Task.Run(_thread.Join).ConfigureAwait(false);
        Close("the control plane detached");
        await _commandGate.WaitAsync().ConfigureAwait(false);
        lock (_packetOutGate)
        {
            _bell.Dispose();
            _region.Dispose();
        }

        _commandGate.Release();
        _dataPlaneLock.Dispose();
        _lock.Dispose();
    }

    private static ChannelBusyException Busy(RunDirectory directory)
    {
        using var probe = SharedLock.OpenProbe(directory.DaemonLock);
        return new ChannelBusyException(
            $"another kernelbypassd (pid {probe.Pid}) is attached to the data plane in '{directory.Path}': stop it first",
                probe.Pid);
    }

    private async Task RequestEpochAsync(CancellationToken cancellation)
    {
        _epoch = Volatile.Read(ref _region.RequestedEpoch) + 1;
        Volatile.Write(ref _region.DaemonPid, (uint)Environment.ProcessId);
        Volatile.Write(ref _region.RequestedEpoch, _epoch);
        var deadline = Environment.TickCount64 + (long)_options.AttachTimeout.TotalMilliseconds;
        while (Volatile.Read(ref _region.AcknowledgedEpoch) != _epoch)
        {
            if (!_dataPlaneLock.IsHeld) throw new ChannelException(
                $"the data plane (pid {_region.DataPlanePid}) ended while it was attached to");
            if (Environment.TickCount64 > deadline)
            {
                throw new ChannelException(
                    $"the data plane (pid {_region.DataPlanePid}) has not answered for {_options.AttachTimeout.TotalSeconds} s: "
                    + "its main lcore is stopped or overloaded; see its log");
            }

            _bell.Ring();
            await Task.Delay(1, cancellation).ConfigureAwait(false);
        }

        _commands = _region.Writer(RingId.Command);
        _packetOuts = _region.Writer(RingId.PacketOut);
        _events = _region.Reader(RingId.Event);
        _packets = _region.Reader(RingId.Packet);
    }

    private void Close(string reason)
    {
        if (!_closed.TrySetResult(reason)) return;
        foreach (var call in _pending.Keys.ToArray())
        {
            if (_pending.TryRemove(call, out var pending)) pending.Fail(ClosedException(reason));
        }

        _handler.OnClosed(reason);
    }

    private static ChannelException ClosedException(string reason) =>
        new($"the channel to the data plane is closed: {reason}; "
            + "whether a command that was under way was carried out is unknown");
}
