using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Client;

/// <summary>What became of an all-or-nothing batch.</summary>
/// <param name="Results">One for each command when all were carried out; empty when none was.</param>
/// <param name="FailedIndex">The command that failed, -1 none.</param>
/// <param name="Failure">Its error.</param>
public sealed record FlowBatchOutcome(FlowResult[] Results, int FailedIndex, FlowResult Failure)
{
    /// <summary>Whether all were carried out.</summary>
    public bool Applied => FailedIndex < 0;
}

/// <summary>A flow as the data plane has it. Counters are in flowstats.shm, at the handle's slot.</summary>
/// <param name="Flow">Its handle.</param>
/// <param name="CreatedUnixNs">When it was added.</param>
/// <param name="UsedUnixNs">When a packet was last seen to have used it, to the granularity of the timeout sweep.</param>
/// <param name="Spec">The encoded flow.</param>
public sealed record DumpedFlow(FlowHandle Flow, long CreatedUnixNs, long UsedUnixNs, byte[] Spec);

/// <summary>Part of a dump.</summary>
/// <param name="Flows">Some flows.</param>
/// <param name="NextCursor">Where to go on; null: that was the last part.</param>
public sealed record FlowDumpPage(IReadOnlyList<DumpedFlow> Flows, uint? NextCursor);
