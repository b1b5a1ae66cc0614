using System.Runtime.CompilerServices;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// The producer's end of the rings to the next chain: each packet goes to the consumer that its flow hash chooses, so a flow
/// stays in
/// order. A full ring is waited for, within a bound; then packets are dropped and counted.
/// </summary>
internal sealed unsafe class RingOutput
{
    private const int SpinMicroseconds = 20;
    private const long SleepNs = 5_000;

    private readonly LcoreWorker _worker;
    private readonly nint[] _rings;
    private readonly nint[] _sent;
    private readonly int[] _counts;
    private readonly void** _buckets; // Burst.Capacity pointers for each consumer
    private readonly nint[] _bucketMemory;
    private readonly ulong _retryCycles;
    private readonly ulong _spinCycles;

    internal RingOutput(LcoreWorker worker, IReadOnlyList<LinkRing> rings, int producer, EngineOptions options)
    {
        _worker = worker;
        _rings = [.. rings.Select(r => (nint)r.Pointer)];
        _sent = [.. rings.Select(r => (nint)r.SentBy(producer))];
        _counts = new int[rings.Count];
        _bucketMemory = GC.AllocateArray<nint>(rings.Count == 1 ? 1 : rings.Count * Burst.Capacity, pinned: true);
        _buckets = (void**)Unsafe.AsPointer(ref _bucketMemory[0]);
        _spinCycles = SpinMicroseconds * (Tsc.Frequency / 1_000_000);
        _retryCycles = (ulong)options.RingRetryMicroseconds * (Tsc.Frequency / 1_000_000);
    }

    internal void Send(ref Burst burst)
    {
        if (burst.Count == 0) return;
        if (_rings.Length == 1) Enqueue(0, burst.Packets, burst.Count);
        else Spread(ref burst);
        burst.Count = 0;
    }

    private void Spread(ref Burst burst)
    {
        var consumers = (uint)_rings.Length;
        for (var i = 0; i < burst.Count; i++)
        {
            var mbuf = (RteMbuf*)burst.Packets[i];
            var meta = (PacketMeta*)(mbuf + 1);
            if (meta->Hash == 0) meta->Hash = SoftwareFlowHash.Compute(mbuf->buf_addr + mbuf->data_off, mbuf->data_len);
            var consumer = (int)(((ulong)meta->Hash * consumers) >> 32);
            _buckets[(consumer * Burst.Capacity) + _counts[consumer]++] = mbuf;
        }

        for (var consumer = 0; consumer < _counts.Length; consumer++)
        {
            if (_counts[consumer] == 0) continue;
            Enqueue(consumer, _buckets + (consumer * Burst.Capacity), _counts[consumer]);
            _counts[consumer] = 0;
        }
    }

    private void Enqueue(int consumer, void** packets, int count)
    {
        var sent = (int)Ring.EnqueueBurst((void*)_rings[consumer], (Mbuf*)packets, (uint)count);
        if (sent < count) sent = Wait(consumer, packets, sent, count);
        var position = (ulong*)_sent[consumer];
        Volatile.Write(ref *position, *position + (ulong)sent);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Wait(int consumer, void** packets, int sent, int count)
    {
        var start = Tsc.Read();
        while (sent < count)
        {
            var waited = Tsc.Read() - start;
            if (waited >= _retryCycles) break;
            // Beyond the spin the consumer may need this very CPU: then spinning on would keep it from making room.
            if (waited < _spinCycles) Lcore.Pause();
            else IdleBackoff.Sleep(SleepNs);
            sent += (int)Ring.EnqueueBurst((void*)_rings[consumer], (Mbuf*)packets + sent, (uint)(count - sent));
        }

        for (var i = sent; i < count; i++) _worker.DropRingFull(packets[i]);
        return sent;
    }
}
