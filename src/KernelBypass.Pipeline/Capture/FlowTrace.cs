using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Capture;

/// <summary>A traced packet's way through the tables, as steps.</summary>
internal static unsafe class FlowTrace
{
    /// <summary>The packet met a flow.</summary>
    internal static TraceStep Matched(FlowEntry* flow) => new()
    {
        Kind = TraceStepKind.FlowMatched,
        TableId = flow->TableId,
        Priority = flow->Priority,
        FlowSlot = flow->Slot,
        Cookie = flow->Cookie,
        FlowGeneration = flow->Generation,
    };

    /// <summary>The packet met no flow of a table.</summary>
    internal static TraceStep Missed(byte table) => new() { Kind = TraceStepKind.TableMiss, TableId = table };
}
