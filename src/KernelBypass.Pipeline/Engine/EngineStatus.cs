namespace KernelBypass.Pipeline.Engine;

/// <summary>An lcore as it is.</summary>
/// <param name="Id">The lcore.</param>
/// <param name="Cpu">Its first CPU.</param>
/// <param name="Role">main, worker (it runs a chain) or idle.</param>
/// <param name="Stages">Names of the stages it runs.</param>
/// <param name="Queues">The rx queues it polls, as <c>p0/0</c>.</param>
/// <param name="Load">Share of the last second spent on turns with packets, 0 to 1.</param>
/// <param name="Asleep">Share of the last second asleep, 0 to 1.</param>
/// <param name="Packets">Packets taken from queues and rings.</param>
/// <param name="BusyCycles">TSC cycles of turns with packets.</param>
/// <param name="IdleCycles">TSC cycles of turns without, sleep included.</param>
/// <param name="Sleeps">Times asleep.</param>
/// <param name="LongestGapNs">Longest time between two turns while packets were there, since start.</param>
/// <param name="RecentGapNs">The same in the last 5 to 10 seconds.</param>
public sealed record LcoreStatus(
    int Id, int Cpu, string Role, IReadOnlyList<string> Stages, IReadOnlyList<string> Queues, double Load, double Asleep,
    ulong Packets, ulong BusyCycles, ulong IdleCycles, ulong Sleeps, ulong LongestGapNs, ulong RecentGapNs);

/// <summary>A stage as it is, over all its lcores.</summary>
/// <param name="Index">Place in the pipeline.</param>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Lcores">Where it runs.</param>
/// <param name="Packets">Packets that entered it.</param>
/// <param name="Drops">Packets it dropped.</param>
/// <param name="Bursts">Bursts that entered it.</param>
/// <param name="Cycles">TSC cycles in it (sampled).</param>
/// <param name="RingUsed">Packets waiting before it, all lcores together; 0 when it is called directly.</param>
/// <param name="RingSize">Packets that fit there; 0 when it is called directly.</param>
/// <param name="Options">Every option with its value.</param>
public sealed record StageStatus(
    int Index, string Name, string Kind, IReadOnlyList<int> Lcores, ulong Packets, ulong Drops, ulong Bursts, ulong Cycles,
    int RingUsed, int RingSize, IReadOnlyDictionary<string, long> Options);

/// <summary>A drop reason with its count over all lcores.</summary>
/// <param name="Stage">Name of the stage, or <c>engine</c>.</param>
/// <param name="Reason">Name.</param>
/// <param name="Description">One sentence.</param>
/// <param name="Packets">Dropped so.</param>
public sealed record DropStatus(string Stage, string Reason, string Description, ulong Packets);
