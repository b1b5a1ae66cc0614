using KernelBypass.Channel.Messages;
using KernelBypass.DataPlane.Commands;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Engine;

namespace KernelBypass.DataPlane.Switch;

/// <summary>Hands packet-ins, captured packets and traces from the workers on to the daemon. Allocates nothing, traces
/// apart.</summary>
internal sealed unsafe class PuntForwarder(SwitchRuntime runtime, ProbeRegister probes)
{
    private const int BurstSize = 32;
    private const int MaxFrame = 65_535;

    private readonly byte[] _frame = GC.AllocateUninitializedArray<byte>(MaxFrame, pinned: true);
    private readonly TscClock _tsc = new(runtime.Clock);
    private ulong _packetInsMissed;
    private ulong _tracesMissed;

    /// <summary>Hands on a burst of each; returns how many.</summary>
    internal int Forward()
    {
        var packets = stackalloc Mbuf[BurstSize];
        var ins = runtime.Engine.PacketIns.Read(packets, BurstSize);
        for (var i = 0; i < ins; i++) ForwardPacketIn(packets[i]);
        if (ins > 0) Mbuf.FreeBulk(packets, (uint)ins);
        var captured = runtime.Engine.Captures.Read(packets, BurstSize);
        for (var i = 0; i < captured; i++) ForwardCapture(packets[i]);
        if (captured > 0) Mbuf.FreeBulk(packets, (uint)captured);
        var traced = 0;
        for (var record = runtime.Engine.Traces.TryRead(); record != null; record = runtime.Engine.Traces.TryRead())
        {
            ForwardTrace(record);
            TraceTable.Release(record);
            traced++;
        }

        return ins + captured + traced;
    }

    /// <summary>Tells the daemon of a packet for the controller that the main lcore itself has.</summary>
    internal void Tell(in Pipeline.Stages.PuntInfo info, long unixNs, ReadOnlySpan<byte> data)
    {
        var record = new PacketInRecord
        {
            TimestampUnixNs = unixNs,
            Cookie = info.Cookie,
            Metadata = info.Metadata,
            Missed = _packetInsMissed,
            InPort = info.InPort,
            TotalLength = info.WireLength,
            Reason = info.Reason,
            TableId = info.TableId,
        };
        if (runtime.Server.TellPacketIn(record, data))
        {
            _packetInsMissed = 0;
            return;
        }

        _packetInsMissed++;
        runtime.Counters.PacketInsMissed++;
    }

    private void ForwardPacketIn(Mbuf packet)
    {
        ref var header = ref PuntReader.HeaderOf(packet);
        Tell(header.Info, _tsc.UnixNs(header.Tsc), Bytes(packet));
    }

    private void ForwardCapture(Mbuf packet)
    {
        ref var header = ref PuntReader.HeaderOf(packet);
        if (!probes.TryCount((uint)header.Tap, out var capture)) return;
        var record = new CaptureRecord
        {
            TimestampUnixNs = _tsc.UnixNs(header.Tsc),
            Missed = capture.TakeMissed(runtime.Engine.CaptureMisses[header.Tap]),
            CaptureId = capture.Id,
            TotalLength = header.Info.WireLength,
            Port = header.Outbound != 0 ? header.OutPort : header.Info.InPort,
            Point = capture.PointOf(header.Tap, header.Outbound != 0),
            Stage = capture.StageOf(header.Tap),
            DropReason = (ushort)Math.Max(0, header.DropReason - 1),
            Lcore = (ushort)header.Lcore,
        };
        if (runtime.Server.TellCapture(record, Bytes(packet))) return;
        capture.AddMissed(record.Missed + 1);
        runtime.Counters.CapturesMissed++;
    }

    private void ForwardTrace(TraceRecord* record)
    {
        if (!probes.TryCountTrace(record->TraceId)) return;
        var data = record->Data[..record->DataLength];
        var steps = TraceText.Encode(*record, data, runtime.Engine);
        var head = new TraceRecordHead
        {
            TimestampUnixNs = _tsc.UnixNs(record->Tsc),
            Missed = _tracesMissed,
            TraceId = record->TraceId,
            Lcore = (uint)record->Lcore,
            InPort = record->InPort,
            TotalLength = record->WireLength,
            DataBytes = (uint)data.Length,
        };
        var payload = new byte[data.Length + steps.Length];
        data.CopyTo(payload);
        steps.CopyTo(payload, data.Length);
        if (runtime.Server.TellTrace(head, payload))
        {
            _tracesMissed = 0;
            return;
        }

        _tracesMissed++;
        runtime.Counters.TracesMissed++;
    }

    private ReadOnlySpan<byte> Bytes(Mbuf packet) =>
        packet.SegmentCount == 1 ? packet.Span : _frame.AsSpan(0, packet.CopyTo(_frame));
}
