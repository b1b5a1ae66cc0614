using System.Diagnostics;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Stages.Rx;

namespace KernelBypass.Pipeline.Engine;

// What the engine tells of itself; called by the main lcore.
public sealed unsafe partial class PipelineEngine
{
    private const int GapWindowSeconds = 5;

    private readonly Dictionary<int, LoadSample> _loads = [];
    private long _gapWindowStart = Stopwatch.GetTimestamp();

    /// <summary>
    /// Once a second or so: port counters and link changes, gauges of rings and mempools, load of the lcores over the time
    /// since the last
    /// call. Allocates nothing unless a link changed.
    /// </summary>
    public void Refresh()
    {
        Ports.Refresh();
        if (_started) LaunchStopped();
        RefreshMempools();
        foreach (var gauge in _ringGauges) gauge.Refresh();
        foreach (var worker in _allWorkers)
        {
            if (!_loads.TryGetValue(worker.Lcore, out var sample)) _loads[worker.Lcore] = sample = new LoadSample();
            sample.Take(worker);
        }

        if (Stopwatch.GetElapsedTime(_gapWindowStart).TotalSeconds < GapWindowSeconds) return;
        _gapWindowStart = Stopwatch.GetTimestamp();
        foreach (var worker in _allWorkers) worker.NextGapWindow();
    }

    /// <summary>Every lcore, the main one first.</summary>
    public IReadOnlyList<LcoreStatus> Lcores()
    {
        var main = (int)Lcore.Main;
        var all = new List<LcoreStatus> { new(main, Lcore.GetCpu(Lcore.Main), "main", [], [], 0, 0, 0, 0, 0, 0, 0, 0) };
        foreach (var worker in _workers.Values)
        {
            var runs = _placement.Workers.Any(c => c.Contains(worker));
            var metrics = worker.Metrics;
            var load = _loads.GetValueOrDefault(worker.Lcore);
            all.Add(new LcoreStatus(
                worker.Lcore, Lcore.GetCpu((uint)worker.Lcore), runs ? "worker" : "idle", StagesOf(worker, runs),
                QueuesOf(worker, runs),
                load?.Busy ?? 0, load?.Asleep ?? 0, *metrics.Packets, *metrics.BusyCycles, *metrics.IdleCycles, *metrics.Sleeps,
                *metrics.LongestGapNs, *metrics.RecentGapNs));
        }

        return all;
    }

    /// <summary>Every stage, in the order of a packet's way.</summary>
    public IReadOnlyList<StageStatus> StageStatuses()
    {
        var all = new List<StageStatus>();
        for (var i = 0; i < _stages.Count; i++)
        {
            var spec = _stages[i];
            var chain = _placement.Chains.TakeWhile(c => !c.Stages.Contains(spec.Name)).Count();
            var first = _placement.Chains[chain].Stages[0] == spec.Name && chain > 0;
            var rings = first ? _placement.Workers[chain].Select(w => w.InputRing!).ToArray() : [];
            var declared = _catalogue.Find(spec.Kind)!.Declaration.Options;
            all.Add(new StageStatus(
                i, spec.Name, spec.Kind, _placement.Chains[chain].Lcores,
                SumOver(EngineMetrics.StagePackets, spec.Name), SumOver(EngineMetrics.StageDrops, spec.Name),
                SumOver(EngineMetrics.StageBursts, spec.Name), SumOver(EngineMetrics.StageCycles, spec.Name),
                rings.Sum(r => r.Used), rings.Sum(r => r.Size),
                declared.ToDictionary(o => o.Name, o => spec.Options.GetValueOrDefault(o.Name, o.Default))));
        }

        return all;
    }

    /// <summary>Every drop reason of every stage with its count.</summary>
    public IReadOnlyList<DropStatus> Drops()
    {
        var all = EngineDropReasons.All
            .Select(r => (Owner: EngineDropReasons.Owner, r.Name, r.Description))
            .Select(r => new DropStatus(r.Owner, r.Name, r.Description, SumDrops(r.Owner, r.Name))).ToList();
        foreach (var spec in _stages)
        {
            foreach (var reason in _catalogue.Find(spec.Kind)!.Declaration.DropReasons)
                all.Add(new DropStatus(spec.Name, reason.Name, reason.Description, SumDrops(spec.Name, reason.Name)));
        }

        return all;
    }

    private ulong SumOver(Model.Declarations.MetricDeclaration metric, string stage)
    {
        var sum = 0ul;
        foreach (var lcore in _workers.Keys) sum += _counters.Value(lcore, metric, stage, Text(lcore));
        return sum;
    }

    private ulong SumDrops(string stage, string reason)
    {
        var sum = 0ul;
        foreach (var lcore in _workers.Keys) sum += _counters.Value(lcore, EngineMetrics.Drops, stage, reason, Text(lcore));
        return sum;
    }

    private string[] StagesOf(LcoreWorker worker, bool runs) =>
        runs ? [.. _placement.Chains.First(c => c.Lcores.Contains(worker.Lcore)).Stages] : [];

    private string[] QueuesOf(LcoreWorker worker, bool runs)
    {
        var names = new List<string>();
        foreach (var slot in worker.Slots)
        {
            if (!runs || slot.Stage is not RxStage rx) continue;
            foreach (var queue in rx.Queues) names.Add($"{Ports.NameOf(queue.Number)}/{queue.Queue}");
        }

        return [.. names];
    }

    private void RefreshMempools()
    {
        if (_poolGauges.Length != _memory.PoolCount) _poolGauges = [.. _memory.Pools.Select(p => new PoolGauges(p, _counters))];
        foreach (var gauges in _poolGauges)
            gauges.Refresh(gauges.Pool == _memory.CopyPool ? 0 : Ports.RxNoMbuf(gauges.Pool.Options.NumaNode));
    }

    private void RenewRingGauges()
    {
        foreach (var gauge in _ringGauges) gauge.Zero();
        var gauges = new List<RingGauges>();
        for (var c = 1; c < _placement.Workers.Length; c++)
        {
            foreach (var worker in _placement.Workers[c])
                gauges.Add(new RingGauges(worker.InputRing!, _placement.Chains[c].Stages[0], Text(worker.Lcore), _counters));
        }

        _ringGauges = [.. gauges];
    }

    /// <summary>Load between two calls of Refresh.</summary>
    private sealed class LoadSample
    {
        private ulong _busy;
        private ulong _idle;
        private ulong _asleep;

        internal double Busy { get; private set; }

        internal double Asleep { get; private set; }

        internal void Take(LcoreWorker worker)
        {
            var metrics = worker.Metrics;
            var (busy, idle, asleep) = (*metrics.BusyCycles, *metrics.IdleCycles, *metrics.AsleepCycles);
            var all = busy - _busy + idle - _idle;
            Busy = all == 0 ? 0 : (double)(busy - _busy) / all;
            Asleep = all == 0 ? 0 : (double)(asleep - _asleep) / all;
            (_busy, _idle, _asleep) = (busy, idle, asleep);
        }
    }
}
