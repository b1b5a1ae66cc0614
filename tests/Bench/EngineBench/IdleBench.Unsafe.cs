using System.Diagnostics;
using System.Globalization;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Bench.EngineBench;

/// <summary>
/// What idling saves and costs: CPU of an idle lcore, and the time until a packet that comes after a pause is seen.
/// </summary>
internal static unsafe class IdleBench
{
    private const int Samples = 300;

    internal static void Run(Func<long> workerCpuNs)
    {
        Console.WriteLine("max_sleep_us  idle CPU  latency us: median  p99  worst");
        using var pool = Mempool.Create(new MempoolOptions { Name = "feed", Count = 1023, CacheSize = 0, PrivateSize = PacketMeta.Size });
        var device = 0;
        foreach (var maxSleep in (int[])[0, 50, 100, 250, 500, 1000]) One(maxSleep, ref device, pool, workerCpuNs);
    }

    private static void One(int maxSleep, ref int device, Mempool pool, Func<long> workerCpuNs)
    {
        StageSpec[] stages = [new("rx"), new("wire", "wire", new Dictionary<string, long> { ["forward_to"] = 2 }), new("tx")];
        using var counters = new NativeCounterSpace();
        using var engine = new PipelineEngine(
            new EngineOptions { RxPoolSize = 1023, CopyPoolSize = 1023, MaxSleepMicroseconds = maxSleep },
            PipelineDescription.OneChain(stages, 1), StageCatalogue.Default, new StageServices(), counters);
        engine.Ports.Attach(new PortSpec { Name = "in", Number = 1, Device = $"net_ring{device++}" });
        engine.Ports.Attach(new PortSpec { Name = "out", Number = 2, Device = $"net_null{device++},no-rx=1" });
        engine.Start();
        Thread.Sleep(500);
        var (cpu, start) = (workerCpuNs(), Stopwatch.GetTimestamp());
        Thread.Sleep(2000);
        var share = (workerCpuNs() - cpu) / Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        var times = Latencies(engine, counters, pool);
        engine.Stop();
        Array.Sort(times);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{maxSleep,12}  {share,8:P1}  {times[Samples / 2],18:F1}  {times[Samples * 99 / 100],6:F1}  {times[^1],6:F1}"));
    }

    private static double[] Latencies(PipelineEngine engine, NativeCounterSpace counters, Mempool pool)
    {
        var port = engine.Ports.Directory.Current.Ports[0].DpdkPort;
        var times = new double[Samples];
        for (var i = 0; i < Samples; i++)
        {
            Thread.Sleep(3);
            var packet = pool.Allocate();
            packet.Append(60);
            var before = counters.Sum(EngineMetrics.StagePackets.Name, "tx");
            var sent = Stopwatch.GetTimestamp();
            while (Port.TxBurst(port, 0, &packet, 1) == 0) Lcore.Pause();
            while (counters.Sum(EngineMetrics.StagePackets.Name, "tx") == before) Lcore.Pause();
            times[i] = Stopwatch.GetElapsedTime(sent).TotalMicroseconds;
        }

        return times;
    }
}
