using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Engine;

namespace KernelBypass.Pipeline.Tables;

/// <summary>What the flow tables are made with.</summary>
public sealed class FlowTablesOptions
{
    /// <summary>Number of tables, and actions in one flow.</summary>
    public FlowLimits Limits { get; init; } = FlowLimits.Default;

    /// <summary>Most flows in all tables together (limits.flows).</summary>
    public uint MaxFlows { get; init; } = 1 << 20;

    /// <summary>Most flows in one table (limits.flows_per_table).</summary>
    public uint MaxFlowsPerTable { get; init; } = 1 << 20;

    /// <summary>Most distinct masks in one table (limits.masks).</summary>
    public int MaxMasks { get; init; } = 1024;

    /// <summary>The counters; with at least <see cref="SlotsFor"/> slots for <see cref="MaxFlows"/>.</summary>
    public required FlowStatistics Statistics { get; init; }

    /// <summary>Tells when lcores have let go of what was unpublished.</summary>
    public required IGracePeriod GracePeriod { get; init; }

    /// <summary>Whether a port of this number exists; null: all do. Asked for every output to a port's number.</summary>
    public Func<uint, bool>? PortExists { get; init; }

    /// <summary>Slots needed for so many flows: some more, as a slot waits for a grace period before it is used again.</summary>
    public static uint SlotsFor(uint maxFlows) => maxFlows + Math.Max(1024, maxFlows / 16);
}
