using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KernelBypass.Bench.Classifier;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Classify;
using KernelBypass.Pipeline.Tables;

// Measures the classify stage alone: nanoseconds a packet (what making the packets costs is measured apart and taken off),
// memory a
// flow, insertions a second.   dotnet run -c Release --project tests/Bench/ClassifierBench [-- name-part [cache entries]]
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var only = args.Length > 0 ? args[0] : "";
var cacheEntries = args.Length > 1 ? long.Parse(args[1], CultureInfo.InvariantCulture) : 262_144;
var oneTuple = Rules.ExactTraffic(1);

Case("in_port rule", () => [Rules.InPort()], () => new Traffic(oneTuple));
foreach (var flows in new[] { 1_000, 10_000, 100_000, 1_000_000 })
    Case($"exact 5-tuples, {flows:N0}", () => Exacts(flows), () => new Traffic(Rules.ExactTraffic(flows)));
foreach (var flows in new[] { 1_000, 10_000, 100_000 })
{
    var (rules, tuples) = Rules.Wildcards(1_000, flows);
    Case($"1,000 prefix/port rules, {flows:N0} flows of traffic", () => rules, () => new Traffic(tuples));
}

Case("128 masks x 8 rules, random headers", () => Rules.ManyMasks(128, 8), () => new Traffic(oneTuple) { RandomHeaders = true });
foreach (var flows in new[] { 10_000, 100_000 })
    Case($"exact 5-tuples, {flows:N0}, 10,000 writes/s", () => Exacts(flows), () =>
        new Traffic(Rules.ExactTraffic(flows)), churn: true);
var churned = Rules.Wildcards(1_000, 10_000);
Case("1,000 prefix/port rules, 10,000 flows, 10,000 writes/s", () => churned.Rules, () =>
    new Traffic(churned.Traffic), churn: true);
if ("insertion".Contains(only, StringComparison.Ordinal)) Insertion.Measure();

static IEnumerable<byte[]> Exacts(int count) => Enumerable.Range(0, count).Select(Rules.Exact);

void Case(string name, Func<IEnumerable<byte[]>> rules, Func<Traffic> traffic, bool churn = false)
{
    if (!name.Contains(only, StringComparison.Ordinal)) return;
    using var statistics = FlowStatistics.InProcess(1 << 21, 1);
    var grace = new TurnGrace();
    using var tables = new FlowTables(new() { Statistics = statistics, GracePeriod = grace, MaxFlows = 1 << 20 });
    foreach (var rule in rules())
    {
        var error = tables.Add(rule, 0, out _, out _);
        if (!error.IsOk) throw new InvalidOperationException(error.Describe());
    }

    tables.Publish();
    var context = new BenchContext(cacheEntries);
    using var stage = new ClassifyStage(context, tables);
    var packets = traffic();
    Lap.Measure(packets, null, grace, TimeSpan.FromMilliseconds(300));
    Lap.Measure(packets, stage, grace, TimeSpan.FromSeconds(1));
    using var writer = churn ? new Churn(tables, grace, 10_000) : null;
    var nanoseconds = new List<double>();
    for (var lap = 0; lap < 9; lap++)
    {
        var without = Lap.Measure(packets, null, grace, TimeSpan.FromMilliseconds(100));
        nanoseconds.Add(Lap.Measure(packets, stage, grace, TimeSpan.FromMilliseconds(300)) - without);
    }

    nanoseconds.Sort();
    var walks = context.Value("kernelbypass_classify_walks");
    var hits = context.Value("kernelbypass_classify_cache_hits");
    var probed = context.Value("kernelbypass_classify_tuples_probed");
    var total = Math.Max(1, walks + hits);
    var status = tables.Status(0);
    Console.WriteLine($"{name,-58} {nanoseconds[4],7:F1} ns (best {nanoseconds[0]:F1})  cache {100.0 * hits / total:F1} %, "
        + $"stale {100.0 * context.Value("kernelbypass_classify_cache_stale") / total:F2} %, "
        + $"tuples/walk {(double)probed / Math.Max(1, walks):F1} of {status.Tuples}, "
        + $"masks {status.Masks}, drops {context.Drops}{(writer == null ? "" : $", {writer.Stop():N0} writes/s")}");
}

/// <summary>Processor time of the calling thread: on a shared machine the wall clock counts other people's work.</summary>
internal static unsafe partial class ThreadClock
{
    private const int ThreadCpuTime = 3;

    internal static long NowNs()
    {
        var time = stackalloc long[2];
        _ = clock_gettime(ThreadCpuTime, time);
        return time[0] * 1_000_000_000 + time[1];
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int clock_gettime(int clock, long* time);
}

/// <summary>Times bursts, with a stage or without.</summary>
internal static class Lap
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static double Measure(Traffic traffic, ClassifyStage? stage, TurnGrace grace, TimeSpan time)
    {
        long packets = 0;
        var start = ThreadClock.NowNs();
        var end = start + (long)time.TotalNanoseconds;
        long now;
        do
        {
            for (var i = 0; i < 64; i++) Turn(traffic, stage, grace);
            packets += 64 * Burst.MaxReceive;
            now = ThreadClock.NowNs();
        }
        while (now < end);
        return (double)(now - start) / packets;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Turn(Traffic traffic, ClassifyStage? stage, TurnGrace grace)
    {
        var burst = traffic.Next();
        stage?.Process(ref burst);
        grace.Turn();
    }
}

/// <summary>A writer that adds and deletes flows beside the reader.</summary>
internal sealed class Churn : IDisposable
{
    private readonly Thread _thread;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private volatile bool _stop;
    private long _writes;

    internal Churn(FlowTables tables, TurnGrace grace, int perSecond)
    {
        grace.HasReader = true;
        _thread = new Thread(() =>
        {
            var specs = Enumerable.Range(2_000_000, 1000).Select(Rules.Exact).ToArray();
            var handles = new FlowHandle[specs.Length];
            for (var i = 0; !_stop; i = (i + 1) % specs.Length)
            {
                if (handles[i].IsValid)
                {
                    tables.Delete(handles[i], out _);
                    _writes++;
                }

                tables.Add(specs[i], 0, out handles[i], out _);
                tables.Reclaim();
                _writes++;
                while (!_stop && _clock.Elapsed.TotalSeconds * perSecond < _writes) Thread.Sleep(0);
            }

            grace.HasReader = false;
        });
        _thread.Start();
    }

    internal double Stop()
    {
        _stop = true;
        _thread.Join();
        return _writes / _clock.Elapsed.TotalSeconds;
    }

    public void Dispose() => Stop();
}

/// <summary>Insertions and removals a second, and memory a flow.</summary>
internal static class Insertion
{
    internal static void Measure()
    {
        foreach (var count in new[] { 100_000, 1_000_000 })
        {
            var specs = Enumerable.Range(0, count).Select(Rules.Exact).ToArray();
            var handles = new FlowHandle[count];
            for (var round = 0; round < 2; round++)
            {
                using var statistics = FlowStatistics.InProcess(1 << 21, 1);
                using var tables = new FlowTables(new() { Statistics = statistics, GracePeriod = new TurnGrace(),
                    MaxFlows = 1 << 20 });
                var resident = Resident();
                var start = ThreadClock.NowNs();
                for (var i = 0; i < count; i++)
                {
                    if (!tables.Add(specs[i], i, out handles[i], out _).IsOk) throw new InvalidOperationException("not added");
                    if ((i & 255) == 255) tables.Reclaim();
                }

                tables.Publish();
                var added = (ThreadClock.NowNs() - start) * 1e-9;
                var grown = Resident() - resident;
                start = ThreadClock.NowNs();
                foreach (var handle in handles) tables.Delete(handle, out _);
                var deleted = (ThreadClock.NowNs() - start) * 1e-9;
                Console.WriteLine($"insertion {count:N0} exact flows: {count / added:N0}/s, deletion {count / deleted:N0}/s, "
                    + $"{(double)tables.MemoryBytes / count:F0} bytes a flow taken, {(double)grown / count:F0} resident");
            }
        }
    }

    private static long Resident()
    {
        var pages = File.ReadAllText("/proc/self/statm").Split(' ')[1];
        return long.Parse(pages, CultureInfo.InvariantCulture) * 4096;
    }
}
