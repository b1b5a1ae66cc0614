using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Engine;

/// <summary>Every metric of the engine, declared once.</summary>
public static class EngineMetrics
{
    public static readonly MetricDeclaration StagePackets = Counter(
        "kernelbypass_stage_packets", "{packet}", "Packets that entered the stage (that rx received).", "stage", "lcore");

    public static readonly MetricDeclaration StageBursts = Counter(
        "kernelbypass_stage_bursts", "{burst}", "Bursts with at least one packet that entered the stage.", "stage", "lcore");

    public static readonly MetricDeclaration StageCycles = Counter(
        "kernelbypass_stage_cycles", "{cycle}",
        "TSC cycles spent in the stage: full bursts are sampled one in eight.", "stage", "lcore");

    public static readonly MetricDeclaration StageDrops = Counter(
        "kernelbypass_stage_drop_packets", "{packet}", "Packets that the stage dropped, for any reason.", "stage", "lcore");

    public static readonly MetricDeclaration Drops = Counter(
        "kernelbypass_drop_packets", "{packet}", "Packets dropped, by reason.", "stage", "reason", "lcore");

    public static readonly MetricDeclaration BusyCycles = Counter(
        "kernelbypass_lcore_busy_cycles", "{cycle}", "TSC cycles of loop turns that found packets.", "lcore");

    public static readonly MetricDeclaration IdleCycles = Counter(
        "kernelbypass_lcore_idle_cycles", "{cycle}", "TSC cycles of loop turns that found nothing, sleep included.", "lcore");

    public static readonly MetricDeclaration AsleepCycles = Counter(
        "kernelbypass_lcore_asleep_cycles", "{cycle}", "TSC cycles asleep.", "lcore");

    public static readonly MetricDeclaration Loops = Counter(
        "kernelbypass_lcore_loops", "{loop}", "Turns of the lcore's loop.", "lcore");

    public static readonly MetricDeclaration Sleeps = Counter(
        "kernelbypass_lcore_sleeps", "{sleep}", "Times the idle lcore went to sleep.", "lcore");

    public static readonly MetricDeclaration LcorePackets = Counter(
        "kernelbypass_lcore_packets", "{packet}", "Packets that the lcore took from queues and rings.", "lcore");

    public static readonly MetricDeclaration LongestGap = Gauge(
        "kernelbypass_lcore_longest_gap_ns", "ns",
        "Longest time between two loop turns while packets were there, since start.", "lcore");

    public static readonly MetricDeclaration RecentGap = Gauge(
        "kernelbypass_lcore_recent_gap_ns", "ns", "The same, in the last 5 to 10 seconds.", "lcore");

    public static readonly MetricDeclaration RingUsed = Gauge(
        "kernelbypass_ring_used", "{packet}", "Packets waiting in the ring before the stage on this lcore.", "stage", "lcore");

    public static readonly MetricDeclaration RingSize = Gauge(
        "kernelbypass_ring_size", "{packet}", "Packets that fit in that ring.", "stage", "lcore");

    public static readonly MetricDeclaration Punted = Counter(
        "kernelbypass_punt_packets", "{packet}", "Packets handed to the main lcore, by kind.", "kind", "lcore");

    public static readonly MetricDeclaration PuntMissed = Counter(
        "kernelbypass_punt_missed_packets", "{packet}",
        "Packets that should have gone to the main lcore, but its ring was full.", "kind", "lcore");

    public static readonly MetricDeclaration CopyFailures = Counter(
        "kernelbypass_copy_failures", "{packet}", "Copies not made as the copy mempool was empty.", "lcore");

    public static readonly MetricDeclaration MempoolSize = Gauge(
        "kernelbypass_mempool_size", "{mbuf}", "Mbufs of the mempool.", "pool");

    public static readonly MetricDeclaration MempoolAvailable = Gauge(
        "kernelbypass_mempool_available", "{mbuf}", "Mbufs that can be had, those in lcores' caches included.", "pool");

    public static readonly MetricDeclaration MempoolFailures = Counter(
        "kernelbypass_mempool_allocation_failures", "{allocation}",
        "Allocations that failed: the switch's own and the drivers'.", "pool");

    private static MetricDeclaration Counter(string name, string unit, string description, params string[] labels) =>
        new(name, unit, description, MetricKind.Counter, labels);

    private static MetricDeclaration Gauge(string name, string unit, string description, params string[] labels) =>
        new(name, unit, description, MetricKind.Gauge, labels);
}
