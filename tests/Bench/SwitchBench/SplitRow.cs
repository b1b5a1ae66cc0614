using System.Globalization;
using KernelBypass.SwitchBench.Duts;
using KernelBypass.SwitchBench.Measure;
using KernelBypass.SwitchBench.Traffic;
using KernelBypass.V1;

namespace KernelBypass.SwitchBench;

/// <summary>
/// What a hop over a ring costs: nanoseconds a packet on the lcore that receives (rx and parse, then the ring), beside the same stages
/// without the ring. On two CPUs the second lcore shares CPU 0 with everything else, so the throughput is a lower bound.
/// </summary>
internal static class SplitRow
{
    internal static async Task<(double Us, double Peer, string Unit, string Remark)> RunAsync(Rig rig)
    {
        var dut = new SwitchDut(new TrafficShape(TrafficKind.Udp, 10_000), RowCatalogue.Ours(10_000)) { Lcores = "0,1,2@0" };
        try
        {
            await dut.StartAsync(rig);
            await dut.PlaceAsync(("rx,parse,classify,actions,tx", "1"));
            var whole = await RateAsync(dut);
            await dut.PlaceAsync(("rx,parse", "1"), ("classify,actions,tx", "2"));
            var split = await RateAsync(dut);
            var hop = await RingNanosecondsAsync(dut);
            var remark = string.Create(CultureInfo.InvariantCulture, $"one lcore {whole:0.00} Mpps; {hop:0.0} ns a packet for the ring hop");
            return (split, double.NaN, "Mpps", remark);
        }
        finally
        {
            await dut.StopAsync();
        }
    }

    private static async Task<double> RateAsync(SwitchDut dut)
    {
        await Task.Delay(1000);
        return RowResult.Median((await Window.TakeAsync(dut, 4)).Select(sample => sample.Rate).ToList()) / 1e6;
    }

    /// <summary>Busy time of the receiving lcore a packet, less that of its stages: loop and ring.</summary>
    private static async Task<double> RingNanosecondsAsync(SwitchDut dut)
    {
        var before = await CyclesAsync(dut);
        await Task.Delay(2000);
        var after = await CyclesAsync(dut);
        var packets = (double)(after.Packets - before.Packets);
        var cycles = (after.Busy - before.Busy) - (double)(after.Stages - before.Stages);
        var cyclesPerNanosecond = (after.Busy + after.Idle - before.Busy - before.Idle) / 2e9;
        return packets == 0 ? double.NaN : cycles / packets / cyclesPerNanosecond;
    }

    private static async Task<(ulong Packets, ulong Busy, ulong Idle, ulong Stages)> CyclesAsync(SwitchDut dut)
    {
        var metrics = (await dut.Pipeline.ReadMetricsAsync(new ReadMetricsRequest { Prefix = "kernelbypass_" })).Metrics
            .Where(metric => metric.Labels.TryGetValue("lcore", out var lcore) && lcore == "1").ToList();
        ulong Sum(string name) => metrics.Where(metric => metric.Name == name).Aggregate(0ul, (sum, metric) => sum + metric.Value);
        return (
            Sum("kernelbypass_lcore_packets"), Sum("kernelbypass_lcore_busy_cycles"), Sum("kernelbypass_lcore_idle_cycles"),
            Sum("kernelbypass_stage_cycles"));
    }
}
