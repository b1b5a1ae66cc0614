using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Capture;

/// <summary>
/// The taps and traces in force, by place in the pipeline: immutable, one for all lcores. Lcores have none (null) while nobody
/// looks,
/// so that nobody pays.
/// </summary>
internal sealed unsafe class ProbeSet
{
    private readonly EngineMemory _memory;
    private readonly CaptureTap[][] _before;
    private readonly CaptureTap[][] _after;
    private readonly CaptureTap[] _drops;
    private readonly TraceFilter[] _traces;
    private readonly int _parse;
    private readonly int _tx;

    internal ProbeSet(
        EngineMemory memory, IReadOnlyList<StageSpec> stages, IReadOnlyList<CaptureTap> taps, IReadOnlyList<TraceFilter> traces)
    {
        _memory = memory;
        _parse = ParsePlace(stages);
        _tx = stages.Count - 1;
        _drops = [.. taps.Where(t => t.Point == CapturePoint.Drops)];
        _traces = [.. traces];
        _before = new CaptureTap[stages.Count][];
        _after = new CaptureTap[stages.Count][];
        for (var i = 0; i < stages.Count; i++)
        {
            var place = i;
            _before[i] = [.. taps.Where(t => BeforePlace(t, stages) == place)];
            _after[i] = [.. taps.Where(t => t.Point == CapturePoint.Receive && (t.Filter is null ? 0 : _parse) == place)];
        }
    }

    /// <summary>Place of the first stage of kind parse, or -1: then no key is ever known.</summary>
    internal static int ParsePlace(IReadOnlyList<StageSpec> stages)
    {
        for (var i = 0; i < stages.Count; i++)
        {
            if (stages[i].Kind == "parse") return i;
        }

        return -1;
    }

    /// <summary>A burst is about to enter the stage at a place.</summary>
    internal void Before(LcoreWorker worker, int place, ref Burst burst)
    {
        foreach (var tap in _before[place]) Capture(worker, tap, ref burst, place == _tx && tap.Point == CapturePoint.Transmit);
    }

    /// <summary>A burst has left the stage at a place.</summary>
    internal void After(LcoreWorker worker, int place, ref Burst burst)
    {
        foreach (var tap in _after[place]) Capture(worker, tap, ref burst, outbound: false);
        if (place == _parse && _traces.Length != 0) BeginTraces(worker, ref burst);
    }

    /// <summary>A packet is dropped; its meta has the reason.</summary>
    internal void Dropped(LcoreWorker worker, void* mbuf)
    {
        foreach (var tap in _drops)
        {
            var meta = (PacketMeta*)((RteMbuf*)mbuf + 1);
            if (tap.Filter is not null && meta->L3Offset == 0) continue; // dropped before it was parsed: its key is not known
            if (Wants(tap, meta, outbound: false)) Copy(worker, tap, mbuf, outbound: false);
        }
    }

    private static int BeforePlace(CaptureTap tap, IReadOnlyList<StageSpec> stages)
    {
        if (tap.Point == CapturePoint.Transmit) return stages.Count - 1;
        if (tap.Point != CapturePoint.Stage) return -1;
        for (var i = 0; i < stages.Count; i++)
        {
            if (stages[i].Name == tap.Stage) return i;
        }

        return -1;
    }

    private static bool Wants(CaptureTap tap, PacketMeta* meta, bool outbound)
    {
        if (tap.Port != 0 && tap.Port != (outbound ? meta->OutPort : meta->InPort)) return false;
        return tap.Filter is null || tap.Filter.Fits(meta->Key);
    }

    private void Capture(LcoreWorker worker, CaptureTap tap, ref Burst burst, bool outbound)
    {
        for (var i = 0; i < burst.Count; i++)
        {
            var mbuf = burst.Packets[i];
            if (Wants(tap, (PacketMeta*)((RteMbuf*)mbuf + 1), outbound)) Copy(worker, tap, mbuf, outbound);
        }
    }

    private void Copy(LcoreWorker worker, CaptureTap tap, void* mbuf, bool outbound)
    {
        var source = (RteMbuf*)mbuf;
        var meta = (PacketMeta*)(source + 1);
        var length = tap.SnapLength == 0 ? source->pkt_len : Math.Min(tap.SnapLength, source->pkt_len);
        var copy = _memory.CopyPool.Copy(new Mbuf(source), 0, length);
        if (copy.IsNull)
        {
            *worker.Metrics.CopyFailures += 1;
            *worker.Metrics.CapturesMissed += 1;
            _memory.CaptureMisses.Add(tap.Id);
            return;
        }

        *(PuntHeader*)copy.PrivateArea = new PuntHeader
        {
            Info = new PuntInfo { InPort = meta->InPort, WireLength = source->pkt_len },
            Tsc = Tsc.Read(),
            Lcore = worker.Lcore,
            Tap = tap.Id,
            OutPort = outbound ? meta->OutPort : 0,
            DropReason = tap.Point == CapturePoint.Drops ? meta->DropReason : (ushort)0,
            Kind = PuntKind.Capture,
            Outbound = outbound ? (byte)1 : (byte)0,
        };
        if (_memory.Captures.EnqueueBurst(&copy, 1) == 1)
        {
            *worker.Metrics.Captured += 1;
            return;
        }

        *worker.Metrics.CapturesMissed += 1;
        _memory.CaptureMisses.Add(tap.Id);
        worker.Free(copy.Pointer);
    }

    private void BeginTraces(LcoreWorker worker, ref Burst burst)
    {
        for (var i = 0; i < burst.Count; i++)
        {
            var mbuf = (RteMbuf*)burst.Packets[i];
            var meta = (PacketMeta*)(mbuf + 1);
            foreach (var trace in _traces)
            {
                if (trace.Filter is not null && !trace.Filter.Fits(meta->Key)) continue;
                if (!_memory.Traces.TryBegin(mbuf, meta, worker.Lcore, trace.Id)) *worker.Metrics.TracesMissed += 1;
                break;
            }
        }
    }
}
