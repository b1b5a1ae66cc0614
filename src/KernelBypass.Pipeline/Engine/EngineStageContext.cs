using System.Globalization;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Pipeline.Engine;

/// <summary>The engine's side of a stage instance.</summary>
internal sealed unsafe class EngineStageContext : StageContext
{
    private readonly LcoreWorker _worker;
    private readonly StageSpec _spec;
    private readonly StageDeclaration _declaration;
    private readonly CounterRegister _counters;
    private readonly EngineMemory _memory;
    private readonly nint[] _drops;
    private readonly ulong* _stageDrops;
    private readonly int _firstReason;

    internal EngineStageContext(
        LcoreWorker worker, StageSpec spec, StageKind kind, int firstReason, CounterRegister counters, EngineMemory memory)
    {
        _worker = worker;
        _spec = spec;
        _declaration = kind.Declaration;
        _counters = counters;
        _memory = memory;
        _firstReason = firstReason;
        var label = worker.Lcore.ToString(CultureInfo.InvariantCulture);
        _stageDrops = counters.Get(worker.Lcore, EngineMetrics.StageDrops, spec.Name, label);
        _drops = new nint[_declaration.DropReasons.Count];
        for (var i = 0; i < _drops.Length; i++)
            _drops[i] = (nint)counters.Get(worker.Lcore, EngineMetrics.Drops, spec.Name, _declaration.DropReasons[i].Name, label);
    }

    public override int LcoreId => _worker.Lcore;

    public override long Option(string name)
    {
        if (_spec.Options.TryGetValue(name, out var value)) return value;
        foreach (var option in _declaration.Options)
        {
            if (option.Name == name) return option.Default;
        }

        throw new ArgumentException($"Kind {_declaration.Kind} declares no option {name}.", nameof(name));
    }

    public override ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues)
    {
        foreach (var metric in _declaration.Metrics)
        {
            if (metric.Name == metricName) return _counters.Get(_worker.Lcore, metric, labelValues);
        }

        throw new ArgumentException($"Kind {_declaration.Kind} declares no metric {metricName}.", nameof(metricName));
    }

    public override void Drop(void* mbuf, int reason)
    {
        *(ulong*)_drops[reason] += 1;
        *_stageDrops += 1;
        _worker.ObserveDrop(mbuf, _firstReason + reason);
        _worker.Free(mbuf);
    }

    public override void Free(void* mbuf) => _worker.Free(mbuf);

    public override void AddWork(int packets) => _worker.AddWork(packets);

    public override void* Copy(void* mbuf, uint maxLength)
    {
        var copy = _memory.Copy(mbuf, maxLength);
        if (copy is null) *_worker.Metrics.CopyFailures += 1;
        return copy;
    }

    public override bool Punt(void* mbuf, PuntKind kind, in PuntInfo info)
    {
        var packetIn = kind == PuntKind.PacketIn;
        var header = (PuntHeader*)((RteMbuf*)mbuf + 1);
        *header = new PuntHeader { Info = info, Kind = kind, Lcore = _worker.Lcore, Tsc = Tsc.Read() };
        var ring = packetIn ? _memory.PacketIns : _memory.Captures;
        if (ring.EnqueueBurst(&mbuf, 1) == 1)
        {
            *(packetIn ? _worker.Metrics.PacketIns : _worker.Metrics.Captured) += 1;
            return true;
        }

        *(packetIn ? _worker.Metrics.PacketInsMissed : _worker.Metrics.CapturesMissed) += 1;
        _worker.Free(mbuf);
        return false;
    }

    public override TraceRecord* TraceOf(void* mbuf) => _memory.Traces.RecordOf(((PacketMeta*)((RteMbuf*)mbuf + 1))->Traced);

    public override void EndTrace(void* mbuf) => _worker.EndTrace((PacketMeta*)((RteMbuf*)mbuf + 1), 0);
}
