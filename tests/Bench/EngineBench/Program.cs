using System.Diagnostics;
using System.Globalization;
using KernelBypass.Bench.EngineBench;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;

// usage: EngineBench [--split] [--null] | --idle  [--cpus a,b,c]  (--idle: CPU of an idle lcore and added latency)
//        [--seconds N] [--cpus a,b,c]
// Pass-through over net_pcap (infinite_rx, 64-byte frames) or net_null to net_null: rate, CPU time a packet, time in each stage.
var split = args.Contains("--split");
var fromNull = args.Contains("--null");
var seconds = int.Parse(Option("--seconds", "3"), CultureInfo.InvariantCulture);
var cpus = Option("--cpus", Environment.ProcessorCount > 1 ? "0,1,0" : "0,0,0").Split(',');
var pcap = Path.Combine(Path.GetTempPath(), $"kb-engine-bench-{Environment.ProcessId}.pcap");
TrafficFile.Write(pcap, packets: 1024, frameLength: 64);
try
{
    using var eal = Eal.Initialize(new EalOptions
    {
        Lcores = $"0@{cpus[0]},1@{cpus[1]},2@{cpus[2]}",
        NoHuge = true,
        NoPci = true,
        MemoryMegabytes = 512,
        LogLevel = DpdkLogLevel.Warning,
    });
    if (args.Contains("--idle")) IdleBench.Run(WorkerCpuNs);
    else Run();
}
finally
{
    File.Delete(pcap);
}

return 0;

void Run()
{
    StageSpec[] stages = [new("rx"), new("wire", "wire", new Dictionary<string, long> { ["forward_to"] = 2 }), new("tx")];
    ChainSpec[] placement = split ? [new(["rx"], [1]), new(["wire", "tx"], [2])] : [new(["rx", "wire", "tx"], [1])];
    using var counters = new NativeCounterSpace();
    using var engine = new PipelineEngine(
        new EngineOptions { RxPoolSize = 8191, CopyPoolSize = 1023 }, new PipelineDescription(stages, placement), StageCatalogue.Default,
        new StageServices(), counters);
    engine.Ports.Attach(new PortSpec { Name = "in", Number = 1, Device = fromNull ? "net_null0" : $"net_pcap0,rx_pcap={pcap},infinite_rx=1" });
    engine.Ports.Attach(new PortSpec { Name = "out", Number = 2, Device = "net_null1,no-rx=1" });
    engine.Start();
    Thread.Sleep(2000);
    for (var run = 0; run < 5; run++) Measure(engine, counters);
    engine.Stop();
}

void Measure(PipelineEngine engine, NativeCounterSpace counters)
{
    engine.Refresh();
    var before = counters.Sum("kernelbypass_port_tx_packets", "out");
    var cycles = engine.StageStatuses().Select(s => (s.Cycles, s.Packets)).ToArray();
    var (start, cpu) = (Stopwatch.GetTimestamp(), WorkerCpuNs());
    Thread.Sleep(seconds * 1000);
    engine.Refresh();
    var elapsed = Stopwatch.GetElapsedTime(start);
    var worked = WorkerCpuNs() - cpu;
    var sent = counters.Sum("kernelbypass_port_tx_packets", "out") - before;
    var each = engine.StageStatuses().Select((s, i) =>
        $"{s.Name} {(double)(s.Cycles - cycles[i].Cycles) / Math.Max(1, s.Packets - cycles[i].Packets) * 1e9 / Tsc.Frequency:F1} ns");
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{sent / elapsed.TotalSeconds / 1e6:F2} Mpps  {(double)worked / Math.Max(1, sent):F1} ns CPU/packet  ({string.Join(", ", each)})"));
}

// CPU time of the worker lcores: what counts on a machine that others use too.
long WorkerCpuNs()
{
    var sum = 0L;
    foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
    {
        if (!File.ReadAllText(Path.Combine(task, "comm")).StartsWith("rte-worker-", StringComparison.Ordinal)) continue;
        sum += long.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture);
    }

    return sum;
}

string Option(string name, string otherwise)
{
    var at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : otherwise;
}
