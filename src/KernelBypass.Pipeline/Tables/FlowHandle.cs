using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>Names one flow for as long as it lives: its counters' slot, and which of the slot's users it is. Default names
/// none.</summary>
public readonly record struct FlowHandle(uint Slot, uint Generation)
{
    /// <summary>Whether it names a flow at all; the flow may be gone.</summary>
    public bool IsValid => Generation != 0;
}

/// <summary>A flow that has left the tables.</summary>
/// <param name="Handle">Its handle; not valid when there was none (nothing was replaced).</param>
/// <param name="TableId">Table it stood in.</param>
/// <param name="Priority">Its priority.</param>
/// <param name="Flags">Its flags, of which <see cref="FlowFlags.SendFlowRemoved"/> matters here.</param>
/// <param name="Reason">Why it left.</param>
/// <param name="Cookie">The controller's cookie.</param>
/// <param name="Packets">Packets counted when it left; those that lcores hold at that moment may still be added to its
/// slot.</param>
/// <param name="Bytes">Bytes of them.</param>
/// <param name="DurationNs">How long it stood.</param>
public readonly record struct FlowRemoval(
    FlowHandle Handle,
    byte TableId,
    ushort Priority,
    FlowFlags Flags,
    FlowRemovedReason Reason,
    ulong Cookie,
    ulong Packets,
    ulong Bytes,
    long DurationNs);

/// <summary>A flow in the tables.</summary>
/// <param name="Handle">Its handle.</param>
/// <param name="CreatedNs">When it was added, on the clock given to Add.</param>
/// <param name="LastUsedNs">When a sweep last saw its packet count moved, or when it was added.</param>
/// <param name="Packets">Packets, over all lcores.</param>
/// <param name="Bytes">Bytes of them.</param>
public readonly record struct FlowInfo(FlowHandle Handle, long CreatedNs, long LastUsedNs, ulong Packets, ulong Bytes);

/// <summary>One table's state.</summary>
/// <param name="TableId">Its number.</param>
/// <param name="Flows">Flows in it.</param>
/// <param name="MaxFlows">Most flows it may hold.</param>
/// <param name="Masks">Distinct masks in use.</param>
/// <param name="MaxMasks">Most distinct masks.</param>
/// <param name="Tuples">Hash tables that a lookup probes at most.</param>
public readonly record struct FlowTableStatus(byte TableId, uint Flows, uint MaxFlows, int Masks, int MaxMasks, int Tuples);

/// <summary>Told of flows that time out.</summary>
public interface IFlowRemovalSink
{
    /// <summary>A flow has left the tables.</summary>
    /// <param name="removal">What it was.</param>
    /// <param name="spec">Its codec bytes; valid during the call.</param>
    void Removed(in FlowRemoval removal, ReadOnlySpan<byte> spec);
}
