using KernelBypass.Channel.Messages;
using KernelBypass.Channel.Server;
using KernelBypass.DataPlane.Hosting;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Model.Flows;
using Microsoft.Extensions.Logging;
using Handle = KernelBypass.Channel.Messages.FlowHandle;
using TableHandle = KernelBypass.Pipeline.Tables.FlowHandle;

namespace KernelBypass.DataPlane.Commands;

/// <summary>Carries the daemon's commands out, on the main lcore. This part: flows, which allocate nothing.</summary>
internal sealed partial class SwitchCommands : ICommandHandler, IDisposable
{
    /// <summary>Slots that memory is made sure of beyond the highest in use: a flow that fails may have taken one for a
    /// moment.</summary>
    private const uint SlotsAhead = 256;

    private readonly SwitchRuntime _runtime;
    private readonly ILogger _log;
    private readonly PacketSender _packets;
    private readonly BatchUndo _undo;
    private uint _highestSlot;
    private bool _unpublished;

    internal SwitchCommands(SwitchRuntime runtime, ILogger log)
    {
        _runtime = runtime;
        _log = log;
        Probes = new ProbeRegister(runtime);
        _packets = new PacketSender(runtime);
        _undo = new BatchUndo(runtime);
    }

    /// <summary>Captures and traces that run.</summary>
    internal ProbeRegister Probes { get; }

    /// <summary>Shutdown has been asked for.</summary>
    internal bool StopRequested { get; private set; }

    /// <summary>Longest time to tell what has been received, at the end.</summary>
    internal int DrainMs { get; private set; } = 1000;

    /// <inheritdoc/>
    public FlowResult AddFlow(ReadOnlySpan<byte> spec)
    {
        var tables = _runtime.Tables;
        if (!ReserveSlot()) return FlowResult.Failed(new(FlowErrorCode.FlowTableFull));
        var error = tables.Add(spec, _runtime.Clock.UnixNs, out var added, out var replaced);
        if (!error.IsOk) return FlowResult.Failed(error);
        _unpublished = true;
        _highestSlot = Math.Max(_highestSlot, added.Slot);
        var result = FlowResult.Stands(added.Slot, added.Generation);
        if (!replaced.Handle.IsValid) return result;
        result.ReplacedSlot = replaced.Handle.Slot;
        result.ReplacedGeneration = replaced.Handle.Generation;
        result.Packets = replaced.Packets;
        result.Bytes = replaced.Bytes;
        result.DurationNs = (ulong)replaced.DurationNs;
        return result;
    }

    /// <inheritdoc/>
    public FlowResult ModifyFlow(Handle flow, ReadOnlySpan<byte> spec)
    {
        var error = _runtime.Tables.Modify(new TableHandle(flow.Slot, flow.Generation), spec);
        if (!error.IsOk) return FlowResult.Failed(error);
        _unpublished = true;
        return FlowResult.Stands(flow.Slot, flow.Generation);
    }

    /// <inheritdoc/>
    public FlowResult DeleteFlow(Handle flow, FlowRemovedReason reason)
    {
        var handle = new TableHandle(flow.Slot, flow.Generation);
        var error = _runtime.Tables.Delete(handle, _runtime.Clock.UnixNs, out var removed);
        if (error.Code == FlowErrorCode.FlowTableFull)
        {
            _runtime.Tables.Reclaim(int.MaxValue);
            error = _runtime.Tables.Delete(handle, _runtime.Clock.UnixNs, out removed);
        }

        if (!error.IsOk) return FlowResult.Failed(error);
        _unpublished = true;
        var result = FlowResult.Stands(flow.Slot, flow.Generation);
        result.Packets = removed.Packets;
        result.Bytes = removed.Bytes;
        result.DurationNs = (ulong)removed.DurationNs;
        return result;
    }

    /// <inheritdoc/>
    public void PublishFlows()
    {
        if (!_unpublished) return;
        _unpublished = false;
        _runtime.Tables.Publish();
        _runtime.WordDemand.Words = _runtime.Tables.NeededWords;
    }

    /// <inheritdoc/>
    public uint DumpFlows(uint cursor, ref FlowDumpWriter writer)
    {
        while (true)
        {
            var next = cursor;
            if (!_runtime.Tables.Dump(ref next, out var info, out var spec)) return FlowDumpHead.End;
            var handle = new Handle(info.Handle.Slot, info.Handle.Generation);
            if (!writer.TryAdd(handle, info.CreatedNs, info.LastUsedNs, spec)) return info.Handle.Slot;
            cursor = next;
        }
    }

    /// <inheritdoc/>
    public void PacketOut(uint inPort, ReadOnlySpan<byte> actions, ReadOnlySpan<byte> packet)
    {
        if (_packets.TrySend(inPort, actions, packet)) _runtime.Counters.PacketOutsSent++;
        else _runtime.Counters.PacketOutsRefused++;
    }

    /// <inheritdoc/>
    public void DaemonAttached(int pid) => _log.DaemonAttached(pid);

    /// <inheritdoc/>
    public void DaemonDetached(string reason)
    {
        PublishFlows();
        Probes.StopAll();
        _log.DaemonDetached(reason);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _packets.Dispose();
        _undo.Dispose();
    }

    private bool ReserveSlot() =>
        _runtime.FlowStats.TryReserve((uint)Math.Min(_highestSlot + SlotsAhead, _runtime.FlowStats.Flows - 1));
}
