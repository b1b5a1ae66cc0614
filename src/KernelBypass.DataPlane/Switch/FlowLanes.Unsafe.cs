using KernelBypass.Channel.SharedMemory;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.DataPlane.Switch;

/// <summary>The tables' flow counters, in flowstats.shm: one array a worker lcore.</summary>
internal static unsafe class FlowLanes
{
    internal static FlowStatistics Of(FlowStatsWriter file, int[] lcores, uint slots)
    {
        var lanes = new nint[lcores.Length];
        for (var i = 0; i < lanes.Length; i++) lanes[i] = (nint)file.ForLcore(i);
        return new FlowStatistics(lcores, lanes, slots);
    }
}
