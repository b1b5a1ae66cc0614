using System.Globalization;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Engine;

/// <summary>A stage on an lcore with the counters the engine keeps for it.</summary>
internal readonly unsafe struct StageSlot
{
    internal readonly Stage Stage;
    internal readonly ulong* Packets;
    internal readonly ulong* Bursts;
    internal readonly ulong* Cycles;

    /// <summary>The stage's place in the pipeline, for capture points.</summary>
    internal readonly int Index;

    internal StageSlot(Stage stage, int index, string name, int lcore, CounterRegister counters)
    {
        var label = lcore.ToString(CultureInfo.InvariantCulture);
        Stage = stage;
        Index = index;
        Packets = counters.Get(lcore, EngineMetrics.StagePackets, name, label);
        Bursts = counters.Get(lcore, EngineMetrics.StageBursts, name, label);
        Cycles = counters.Get(lcore, EngineMetrics.StageCycles, name, label);
    }

    internal void Count(int packets)
    {
        if (packets == 0) return;
        *Packets += (ulong)packets;
        *Bursts += 1;
    }
}
