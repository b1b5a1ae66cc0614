using System.Globalization;
using KernelBypass.Pipeline.Counters;

namespace KernelBypass.Pipeline.Engine;

/// <summary>Where an lcore counts: pointers into the counter space, written by that lcore alone.</summary>
internal readonly unsafe struct LcoreMetrics
{
    internal readonly ulong* BusyCycles;
    internal readonly ulong* IdleCycles;
    internal readonly ulong* AsleepCycles;
    internal readonly ulong* Loops;
    internal readonly ulong* Sleeps;
    internal readonly ulong* Packets;
    internal readonly ulong* LongestGapNs;
    internal readonly ulong* RecentGapNs;
    internal readonly ulong* RingFull;
    internal readonly ulong* CopyFailures;
    internal readonly ulong* PacketIns;
    internal readonly ulong* PacketInsMissed;
    internal readonly ulong* Captured;
    internal readonly ulong* CapturesMissed;
    internal readonly ulong* Traced;
    internal readonly ulong* TracesMissed;

    internal LcoreMetrics(CounterRegister counters, int lcore)
    {
        var label = lcore.ToString(CultureInfo.InvariantCulture);
        BusyCycles = counters.Get(lcore, EngineMetrics.BusyCycles, label);
        IdleCycles = counters.Get(lcore, EngineMetrics.IdleCycles, label);
        AsleepCycles = counters.Get(lcore, EngineMetrics.AsleepCycles, label);
        Loops = counters.Get(lcore, EngineMetrics.Loops, label);
        Sleeps = counters.Get(lcore, EngineMetrics.Sleeps, label);
        Packets = counters.Get(lcore, EngineMetrics.LcorePackets, label);
        LongestGapNs = counters.Get(lcore, EngineMetrics.LongestGap, label);
        RecentGapNs = counters.Get(lcore, EngineMetrics.RecentGap, label);
        RingFull = counters.Get(lcore, EngineMetrics.Drops, EngineDropReasons.Owner, EngineDropReasons.All[0].Name, label);
        CopyFailures = counters.Get(lcore, EngineMetrics.CopyFailures, label);
        PacketIns = counters.Get(lcore, EngineMetrics.Punted, "packet_in", label);
        PacketInsMissed = counters.Get(lcore, EngineMetrics.PuntMissed, "packet_in", label);
        Captured = counters.Get(lcore, EngineMetrics.Punted, "capture", label);
        CapturesMissed = counters.Get(lcore, EngineMetrics.PuntMissed, "capture", label);
        Traced = counters.Get(lcore, EngineMetrics.Punted, "trace", label);
        TracesMissed = counters.Get(lcore, EngineMetrics.PuntMissed, "trace", label);
    }
}
