using System.Runtime.CompilerServices;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;

namespace KernelBypass.Pipeline.Stages.Tx;

/// <summary>
/// Sends each packet to the port in its meta. Nothing waits beyond the burst. Where a device has fewer tx queues than there are
/// lcores,
/// an lcore without one hands packets to the lcore that owns one, over a ring.
/// </summary>
public sealed unsafe class TxStage : Stage
{
    private const int QueueFull = 0;
    private const int PortGone = 1;
    private const int PortDown = 2;
    private const int OffloadFailed = 3;

    /// <summary>Flags with which a packet asks something of the sender.</summary>
    private const ulong WishMask = (ulong)(MbufFlags.TxL4Mask | MbufFlags.TxIpChecksum | MbufFlags.TxVlan | MbufFlags.TxQinQ);

    private readonly int _retries;
    private TxPlan _plan = new([]);
    private void* _inbox;

    /// <summary>One for each lcore.</summary>
    public TxStage(StageContext context)
        : base(Declared, context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _retries = (int)context.Option("retries");
    }

    /// <summary>The stage's declaration.</summary>
    public static StageDeclaration Declared { get; } = new(
        "tx",
        "Sends packets to the ports that the stages before have chosen.",
        [new OptionDeclaration("retries", 8, 0, 1000,
            "How often a full tx queue is tried again, without progress, before packets are dropped.")],
        [
            new DropReasonDeclaration("tx_queue_full", "The port's tx queue stayed full: it is slower than what is sent to it."),
            new DropReasonDeclaration("tx_port_gone", "The packet was sent to a port number that no port has."),
            new DropReasonDeclaration("tx_port_down", "The output port is administratively down."),
            new DropReasonDeclaration("tx_offload_failed",
                "A checksum, tag or linear copy that the device cannot make software could not: bad header lengths or no room."),
        ],
        []);

    /// <summary>Puts another set of ports in force, from the next turn on. Called by the main lcore.</summary>
    public void SetPlan(TxPlan plan) => Volatile.Write(ref _plan, plan);

    /// <summary>The ring from which this lcore sends for others. Called while the lcore is stopped.</summary>
    public void SetInbox(void* ring) => _inbox = ring;

    /// <inheritdoc/>
    public override void Process(ref Burst burst)
    {
        var plan = Volatile.Read(ref _plan);
        if (burst.Count != 0) SendBurst(plan, ref burst);
        if (_inbox is not null && Ring.CountOf(_inbox) != 0) Context.AddWork(TakeInbox(plan, ref burst));
    }

    /// <inheritdoc/>
    public override void Drain(ref Burst burst)
    {
        var plan = Volatile.Read(ref _plan);
        while (_inbox is not null && Ring.CountOf(_inbox) != 0) TakeInbox(plan, ref burst);
    }

    private int TakeInbox(TxPlan plan, ref Burst burst)
    {
        var count = burst.Count = (int)Ring.DequeueBurst(_inbox, (Mbuf*)burst.Packets, Burst.MaxReceive);
        if (count != 0) SendBurst(plan, ref burst);
        return count;
    }

    private void SendBurst(TxPlan plan, ref Burst burst)
    {
        var packets = (RteMbuf**)burst.Packets;
        var count = burst.Count;
        var port = Meta(packets[0])->OutPort;
        var differs = 0u;
        var wishes = 0ul;
        var traced = 0;
        for (var i = 0; i < count; i++)
        {
            var mbuf = packets[i];
            differs |= Meta(mbuf)->OutPort ^ port;
            traced |= Meta(mbuf)->Traced;
            wishes |= Wishes(mbuf);
        }

        burst.Count = 0;
        if (traced != 0) EndTraces(plan, packets, count);
        if (differs == 0)
        {
            var index = plan.IndexOf(port);
            if (index < 0) DropAll(packets, count, PortGone);
            else Send(ref plan.Ports[index], packets, count, wishes);
        }
        else
        {
            SendByPort(plan, packets, count);
        }
    }

    /// <summary>A packet that no stage before has told the end of: it ends here, sent or, if its port is gone, dropped.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void EndTraces(TxPlan plan, RteMbuf** packets, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var meta = Meta(packets[i]);
            if (meta->Traced == 0) continue;
            var record = Context.TraceOf(packets[i]);
            if (record is not null) record->Add(new TraceStep { Kind = TraceStepKind.Output, Port = meta->OutPort });
            if (plan.IndexOf(meta->OutPort) >= 0) Context.EndTrace(packets[i]);
        }
    }

    private void SendByPort(TxPlan plan, RteMbuf** packets, int count)
    {
        var touched = 0;
        for (var i = 0; i < count; i++)
        {
            var mbuf = packets[i];
            var index = plan.IndexOf(Meta(mbuf)->OutPort);
            if (index < 0)
            {
                Context.Drop(mbuf, PortGone);
                continue;
            }

            ref var port = ref plan.Ports[index];
            if (port.Buffered == 0) plan.Touched[touched++] = index;
            port.Buffer[port.Buffered++] = mbuf;
            port.Wishes |= Wishes(mbuf);
            // One stays, so that the port keeps its one place among the touched ones.
            if (port.Buffered == TxPlan.BufferSize) Flush(ref port, keep: 1);
        }

        for (var i = 0; i < touched; i++) Flush(ref plan.Ports[plan.Touched[i]], keep: 0);
    }

    private void Flush(ref TxPort port, int keep)
    {
        var count = port.Buffered - keep;
        var kept = port.Buffer[count];
        Send(ref port, (RteMbuf**)port.Buffer, count, port.Wishes);
        if (keep == 0) port.Wishes = 0;
        else port.Buffer[0] = kept;
        port.Buffered = keep;
    }

    private void Send(ref TxPort port, RteMbuf** packets, int count, ulong wishes)
    {
        if (!port.Up)
        {
            DropAll(packets, count, PortDown);
            return;
        }

        if (port.HandOver is not null)
        {
            var taken = (int)Ring.EnqueueBurst(port.HandOver, (Mbuf*)packets, (uint)count);
            if (taken < count) Refuse(ref port, packets + taken, count - taken);
            return;
        }

        if (wishes != 0) count = Offload(ref port, packets, count);
        var sent = 0;
        for (var idle = 0; sent < count;)
        {
            var now = Port.TxBurst(port.DpdkPort, port.Queue, (Mbuf*)packets + sent, (ushort)(count - sent));
            sent += now;
            if (now != 0) continue;
            if (idle++ == _retries) break;
            Lcore.Pause();
        }

        if (sent < count) Refuse(ref port, packets + sent, count - sent);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Offload(ref TxPort port, RteMbuf** packets, int count)
    {
        var good = count;
        if (port.Missing != 0) good = Port.TxSoftware(port.Missing, (Mbuf*)packets, (ushort)good);
        for (var from = 0; port.Prepare && from < good;)
        {
            from += Port.TxPrepare(port.DpdkPort, port.Queue, (Mbuf*)packets + from, (ushort)(good - from));
            if (from == good) break;
            // The driver refuses packets[from]: it goes behind the good ones, which keep their order.
            var refused = packets[from];
            good--;
            for (var i = from; i < good; i++) packets[i] = packets[i + 1];
            packets[good] = refused;
        }

        DropAll(packets + good, count - good, OffloadFailed);
        return good;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Refuse(ref TxPort port, RteMbuf** packets, int count)
    {
        *port.QueueFull += (ulong)count;
        DropAll(packets, count, QueueFull);
    }

    private void DropAll(RteMbuf** packets, int count, int reason)
    {
        for (var i = 0; i < count; i++) Context.Drop(packets[i], reason);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static PacketMeta* Meta(RteMbuf* mbuf) => (PacketMeta*)(mbuf + 1);

    // Bit 0 and up stand for several segments: the mask has no bits there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Wishes(RteMbuf* mbuf) => (mbuf->ol_flags & WishMask) | ((uint)mbuf->nb_segs >> 1);
}
