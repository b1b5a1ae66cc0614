using System.Runtime.InteropServices;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// The ring before one lcore of a later chain, fed by all lcores of the chain before. Positions are counted on both sides, so
/// that
/// a grace period knows when what was in it has been worked on.
/// </summary>
internal sealed unsafe class LinkRing : IDisposable
{
    private const int LineWords = 8;

    private readonly Ring _ring;
    private readonly int _producers;
    private ulong* _positions; // line p: packets that producer p put in; last line: packets that the consumer is done with

    internal LinkRing(int size, int producers, int numaNode)
    {
        _producers = producers;
        _ring = Ring.Create(new RingOptions
        {
            Capacity = (uint)size,
            NumaNode = numaNode,
            SingleProducer = producers == 1,
            SingleConsumer = true,
        });
        _positions = (ulong*)NativeMemory.AlignedAlloc((nuint)((producers + 1) * LineWords * sizeof(ulong)), 64);
        NativeMemory.Clear(_positions, (nuint)((producers + 1) * LineWords * sizeof(ulong)));
    }

    internal void* Pointer => _ring.Pointer;

    internal int Used => (int)_ring.Count;

    internal int Size => (int)_ring.Capacity;

    /// <summary>Packets that all producers have put in.</summary>
    internal ulong Sent
    {
        get
        {
            var sent = 0ul;
            for (var p = 0; p < _producers; p++) sent += Volatile.Read(ref _positions[p * LineWords]);
            return sent;
        }
    }

    /// <summary>Packets that the consumer has taken out and worked on.</summary>
    internal ulong Done => Volatile.Read(ref _positions[_producers * LineWords]);

    internal ulong* SentBy(int producer) => _positions + (producer * LineWords);

    internal ulong* DonePosition => _positions + (_producers * LineWords);

    public void Dispose()
    {
        if (_positions is null) return;
        _ring.Dispose();
        NativeMemory.AlignedFree(_positions);
        _positions = null;
    }
}

/// <summary>The consumer's end.</summary>
internal sealed unsafe class RingInput(LinkRing ring)
{
    private readonly void* _ring = ring.Pointer;
    private readonly ulong* _done = ring.DonePosition;

    internal LinkRing Ring { get; } = ring;

    internal void Receive(ref Burst burst)
    {
        var count = (int)Dpdk.Ring.DequeueBurst(_ring, (Mbuf*)burst.Packets, Burst.MaxReceive);
        for (var i = 0; i < count; i++)
        {
            // The packets come out of another core's cache: have them on the way before the first stage asks.
            var mbuf = (byte*)burst.Packets[i];
            Prefetch.Read(mbuf);
            Prefetch.Read(mbuf + RteMbuf.SizeInBytes + 128);
        }

        burst.Count = count;
    }

    /// <summary>The turn is over: what was received in it is worked on.</summary>
    internal void MarkDone(int count)
    {
        if (count != 0) Volatile.Write(ref *_done, *_done + (ulong)count);
    }
}
