using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Engine;

// What captures and traces ask of an lcore; outside the path of packets that nobody looks at.
internal sealed unsafe partial class LcoreWorker
{
    private TraceTable? _traces;

    internal void UseTraces(TraceTable traces) => _traces = traces;

    /// <summary>A packet is dropped: notes the reason, ends its trace, shows it to captures of drops.</summary>
    internal void ObserveDrop(void* mbuf, int reason)
    {
        var meta = (PacketMeta*)((RteMbuf*)mbuf + 1);
        meta->DropReason = (ushort)reason;
        if (meta->Traced != 0) EndTrace(meta, (ushort)reason);
        Volatile.Read(ref _probes)?.Dropped(this, mbuf);
    }

    /// <summary>Completes the record of a traced packet.</summary>
    internal void EndTrace(PacketMeta* meta, ushort dropReason)
    {
        var record = _traces is null ? null : _traces.RecordOf(meta->Traced);
        meta->Traced = 0;
        if (record is null) return;
        if (dropReason != 0)
        {
            record->DropReason = dropReason;
            record->Add(new TraceStep { Kind = TraceStepKind.Drop, Argument = dropReason });
        }

        *_metrics.Traced += 1;
        Volatile.Write(ref record->State, TraceRecord.Done);
    }
}
