using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Server;

/// <summary>
/// The data plane's end of control.shm, for its main lcore alone (not thread-safe). Polling, flow commands, packet-outs, events
/// and
/// waiting allocate nothing; the cold commands do. A command is taken only while the event ring has room for any answer, so no
/// completion is ever lost: a daemon that does not read is not read from.
/// </summary>
public sealed partial class ControlServer : IDisposable
{
    /// <summary>Room in the event ring that a command's answer may take.</summary>
    private const int AnswerRoom = 160 * 1024;

    /// <summary>Room that events leave for answers.</summary>
    private const int EventRoom = 2 * AnswerRoom;

    private const int ProbeIntervalMs = 100;

    private readonly RunDirectory _directory;
    private readonly SharedLock _lock;
    private readonly SharedLockProbe _daemonLock;
    private readonly ControlRegion _region;
    private readonly SharedDoorbell _bell;
    private readonly SharedRingReader _commands;
    private readonly SharedRingReader _packetOuts;
    private readonly SharedRingWriter _events;
    private readonly SharedRingWriter _packets;
    private readonly CompletionRun _run;
    private readonly BatchStaging _batch;
    private readonly AnswerBacklog _backlog;
    private readonly byte[] _dump = GC.AllocateUninitializedArray<byte>(64 * 1024, pinned: true);
    private uint _epoch;
    private long _nextProbe;
    private bool _dirty;
    private string? _closeReason;

    private ControlServer(RunDirectory directory, SharedLock taken, ChannelOptions options)
    {
        _directory = directory;
        _lock = taken;
        _daemonLock = SharedLock.OpenProbe(directory.DaemonLock);
        _bell = new SharedDoorbell(directory.DataPlaneBell, directory.DaemonBell);
        _region = ControlRegion.Create(directory.Control, options);
        _commands = _region.Reader(RingId.Command);
        _packetOuts = _region.Reader(RingId.PacketOut);
        _events = _region.Writer(RingId.Event);
        _packets = _region.Writer(RingId.Packet);
        _run = new CompletionRun(_events);
        _batch = new BatchStaging(options.BatchFlows);
        _backlog = new AnswerBacklog(_events);
    }

    /// <summary>Whether a daemon is attached: nobody hears events otherwise.</summary>
    public bool DaemonAttached { get; private set; }

    /// <summary>Commands and packet-outs taken since the start.</summary>
    public ulong Commands { get; private set; }

    /// <summary>Told to daemons.</summary>
    public DataPlaneState State
    {
        get => _region.State;
        set => _region.State = value;
    }

    /// <summary>Makes the run directory (if it is not there) and the channel in it, replacing what a crash left.</summary>
    /// <exception cref="ChannelBusyException">Another data plane runs in this directory.</exception>
    /// <exception cref="ChannelException">Something cannot be made; the message has the reason.</exception>
    public static ControlServer Create(RunDirectory directory, ChannelOptions options)
    {
        options.Validate();
        Directory.CreateDirectory(directory.Path);
        var taken = SharedLock.TryTake(directory.DataPlaneLock);
        if (taken is null)
        {
            using var probe = SharedLock.OpenProbe(directory.DataPlaneLock);
            throw new ChannelBusyException(
                $"another kernelbypass-dataplane (pid {probe.Pid}) runs in '{directory.Path}': "
                    + "stop it or give this one another run_dir",
                probe.Pid);
        }

        try
        {
            return new ControlServer(directory, taken, options);
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Takes and carries out what the daemon has sent.</summary>
    /// <param name="handler">Who carries it out.</param>
    /// <param name="max">Most commands to take now: bounds the time away from the main lcore's other work.</param>
    /// <returns>Commands taken.</returns>
    public int Poll(ICommandHandler handler, int max)
    {
        CheckAttachment(handler);
        if (!DaemonAttached) return 0;
        var taken = 0;
        while (taken < max && _events.HasRoom(AnswerRoom) && TellBatch() && _backlog.TrySend())
        {
            if (!_commands.TryRead(out var header, out var payload)) break;
            Dispatch(handler, header, payload);
            taken++;
        }

        TellResults(handler);
        while (taken < max && _packetOuts.TryRead(out var header, out var payload))
        {
            taken++;
            if (header.Type == MessageType.PacketOut
                && PacketOutCommand.TryDecode(payload, out var head, out var actions, out var packet))
                handler.PacketOut(head.InPort, actions, packet);
            else
                ShutOut(handler, "the daemon broke the channel's protocol: a malformed packet-out");
        }

        Commands += (ulong)taken;
        _dirty |= taken > 0;
        var fault = _commands.Fault ?? _packetOuts.Fault ?? _events.Fault ?? _packets.Fault;
        if (fault is not null) ShutOut(handler, $"the daemon broke the channel's protocol: {fault}");
        if (_closeReason is { } reason && _batchTold)
        {
            _closeReason = null;
            ShutOut(handler, reason);
        }

        return taken;
    }

    /// <summary>Makes the daemon attach anew, once the answer under way has been told: it must learn the flows' handles
    /// again.</summary>
    public void CloseSession(string reason) => _closeReason = reason;

    /// <summary>Wakes the daemon if it sleeps and something was written since the last call. Call once a turn of the main
    /// loop.</summary>
    public void RingDaemon()
    {
        if (!_dirty) return;
        _dirty = false;
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _region.DaemonWaits) == 1) _bell.Ring();
    }

    /// <summary>Sleeps until the daemon rings or the time is over; at once when something already waits.</summary>
    public void Wait(long microseconds)
    {
        RingDaemon();
        Volatile.Write(ref _region.DataPlaneWaits, 1);
        Interlocked.MemoryBarrier();
        var waiting = Volatile.Read(ref _region.RequestedEpoch) != _epoch
            || (DaemonAttached && (_commands.HasMessage || _packetOuts.HasMessage || !_backlog.IsEmpty || !_batchTold));
        if (!waiting) _bell.Wait(microseconds);
        Volatile.Write(ref _region.DataPlaneWaits, 0);
    }

    /// <summary>Tells the daemon that the data plane ends, and takes the files away.</summary>
    public void Dispose()
    {
        _region.State = DataPlaneState.Closed;
        _bell.Ring();
        _bell.Dispose();
        _region.Dispose();
        _batch.Dispose();
        _daemonLock.Dispose();
        _lock.Dispose();
    }

    private void CheckAttachment(ICommandHandler handler)
    {
        var requested = Volatile.Read(ref _region.RequestedEpoch);
        if (requested != _epoch)
        {
            if (DaemonAttached) Detach(handler, "another daemon attached");
            Attach(handler, requested);
            return;
        }

        var now = Environment.TickCount64;
        if (!DaemonAttached || now < _nextProbe) return;
        _nextProbe = now + ProbeIntervalMs;
        if (!_daemonLock.IsHeld) Detach(handler, "the daemon ended");
    }

    private void Attach(ICommandHandler handler, uint epoch)
    {
        _epoch = epoch;
        if (!_daemonLock.IsHeld) return;
        _region.ResetRings();
        _commands.Restart();
        _packetOuts.Restart();
        _events.Restart();
        _packets.Restart();
        Volatile.Write(ref _region.ClosedEpoch, 0);
        DaemonAttached = true;
        handler.DaemonAttached((int)Volatile.Read(ref _region.DaemonPid));
        Volatile.Write(ref _region.AcknowledgedEpoch, epoch);
        _dirty = true;
        RingDaemon();
    }

    private void Detach(ICommandHandler handler, string reason)
    {
        DaemonAttached = false;
        _batch.Clear();
        _batchTold = true;
        _run.Clear();
        _backlog.Clear();
        handler.DaemonDetached(reason);
    }

    private void ShutOut(ICommandHandler handler, string reason)
    {
        if (!DaemonAttached) return;
        Detach(handler, reason);
        Volatile.Write(ref _region.ClosedEpoch, _epoch);
        _dirty = true;
        RingDaemon();
    }
}
