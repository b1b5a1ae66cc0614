using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// A flow as the lcores see it: what is needed once a packet has matched. In native memory; filled completely before it is
/// published, never changed afterwards (a modify publishes another), freed after every lcore has passed a quiescent state.
/// </summary>
public unsafe struct FlowEntry
{
    /// <summary>Index of its counters in the flow statistics, for each lcore.</summary>
    public uint Slot;

    /// <summary>Distinguishes the flows that have used a slot.</summary>
    public uint Generation;
    public ushort Priority;
    public byte TableId;

    /// <summary>The table to go on in, or <see cref="FlowSpecHeader.NoGoto"/>.</summary>
    public byte GotoTable;
    public FlowFlags Flags;
    public ulong Cookie;
    public ulong MetadataValue;
    public ulong MetadataMask;

    /// <summary>Apply-actions, executed at once.</summary>
    public ActionOp* Apply;

    /// <summary>Write-actions, merged into the packet's action set.</summary>
    public ActionOp* Write;
    public ushort ApplyCount;
    public ushort WriteCount;
    public byte ClearActions;

    /// <summary>1: this is a table-miss entry (priority 0, empty match), for packet-in reason NO_MATCH.</summary>
    public byte IsTableMiss;
}

/// <summary>A path of more than two flows (several tables).</summary>
public unsafe struct FlowPath
{
    /// <summary>Most tables that one packet can visit.</summary>
    public const int MaxFlows = 64;

    /// <summary>Pointers to FlowEntry, PacketMeta.FlowCount of them.</summary>
    public fixed long Flows[MaxFlows];
}
