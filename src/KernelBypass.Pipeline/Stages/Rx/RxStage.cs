using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;

namespace KernelBypass.Pipeline.Stages.Rx;

/// <summary>
/// Receives from the queues that the lcore was given, in turn, and begins each packet's meta: in_port, length, hash. One burst
/// of one
/// queue a turn; a turn is empty only when all queues were.
/// </summary>
public sealed unsafe class RxStage(StageContext context) : Stage(Declared, context)
{
    private RxQueue[] _queues = [];
    private void* _inbox;
    private int _next;

    /// <summary>The stage's declaration.</summary>
    public static StageDeclaration Declared { get; } = new(
        "rx", "Receives packets from the ports' rx queues, which are shared out over the first chain's lcores.", [], [], []);

    /// <summary>The queues that this lcore polls now.</summary>
    public ReadOnlySpan<RxQueue> Queues => Volatile.Read(ref _queues);

    /// <summary>Puts other queues in force, from the next turn on. Called by the main lcore.</summary>
    public void SetQueues(RxQueue[] queues) => Volatile.Write(ref _queues, queues);

    /// <summary>
    /// The ring of packets that the main lcore puts in (their meta has in_port), or null. Called while the lcore is stopped.
    /// </summary>
    public void SetInbox(void* ring) => _inbox = ring;

    /// <inheritdoc/>
    public override void Process(ref Burst burst)
    {
        if (_inbox is not null && Ring.CountOf(_inbox) != 0 && TakeInbox(ref burst)) return;
        var queues = Volatile.Read(ref _queues);
        for (var tries = queues.Length; tries > 0; tries--)
        {
            if (++_next >= queues.Length) _next = 0;
            ref readonly var queue = ref queues[_next];
            var count = Port.RxBurst(queue.DpdkPort, queue.Queue, (Mbuf*)burst.Packets, Burst.MaxReceive);
            if (count == 0) continue;
            Begin(burst.Packets, count, queue.Number);
            burst.Count = count;
            return;
        }
    }

    private static void Begin(void** packets, int count, uint port)
    {
        for (var i = 0; i < count; i++)
        {
            var mbuf = (RteMbuf*)packets[i];
            var meta = (PacketMeta*)(mbuf + 1);
            Prefetch.Read(mbuf->buf_addr + mbuf->data_off);
            Prefetch.Read(meta);
            // The meta's third line is everything but the key, which parse writes: 64 bytes in two stores.
            Vector256<byte>.Zero.Store((byte*)&meta->InPort);
            Vector256<byte>.Zero.Store((byte*)&meta->Flow0);
            meta->InPort = port;
            meta->WireLength = mbuf->pkt_len;
            if ((mbuf->ol_flags & (ulong)MbufFlags.RxRssHash) != 0) meta->Hash = mbuf->hash_rss;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeInbox(ref Burst burst)
    {
        var count = (int)Ring.DequeueBurst(_inbox, (Mbuf*)burst.Packets, Burst.MaxReceive);
        for (var i = 0; i < count; i++)
        {
            var packet = burst.Packets[i];
            Begin(&packet, 1, ((PacketMeta*)((RteMbuf*)packet + 1))->InPort);
        }

        burst.Count = count;
        return count != 0;
    }
}
