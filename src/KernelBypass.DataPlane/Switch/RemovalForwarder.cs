using KernelBypass.Channel.Messages;
using KernelBypass.Pipeline.Tables;
using FlowHandle = KernelBypass.Channel.Messages.FlowHandle;

namespace KernelBypass.DataPlane.Switch;

/// <summary>Tells the daemon of flows that timed out; counts those that it cannot be told of.</summary>
internal struct RemovalForwarder(SwitchRuntime runtime) : IFlowRemovalSink
{
    private ulong _missed;

    /// <inheritdoc/>
    public void Removed(in FlowRemoval removal, ReadOnlySpan<byte> spec)
    {
        var told = new FlowRemovedEvent
        {
            Flow = new FlowHandle(removal.Handle.Slot, removal.Handle.Generation),
            Cookie = removal.Cookie,
            Packets = removal.Packets,
            Bytes = removal.Bytes,
            DurationNs = (ulong)removal.DurationNs,
            Missed = _missed,
            Reason = removal.Reason,
            TableId = removal.TableId,
            Priority = removal.Priority,
        };
        if (runtime.Server.TellFlowRemoved(told))
        {
            _missed = 0;
            return;
        }

        _missed++;
        runtime.Counters.RemovalsMissed++;
    }
}
