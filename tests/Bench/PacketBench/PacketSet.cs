using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Bench.Packet;

/// <summary>Frames in memory laid out as a mempool has them: mbuf, private area, headroom, data, at a stride that does not alias in L1.</summary>
internal sealed unsafe class PacketSet
{
    private const int Stride = 128 + PacketMeta.Size + 128 + 2048 + 64;

    private readonly byte[][] _frames;

    internal PacketSet(params byte[][] frames)
    {
        _frames = frames;
        Count = frames.Length;
        var memory = (byte*)NativeMemory.AlignedAlloc((nuint)(Stride * Count), 64);
        NativeMemory.Clear(memory, (nuint)(Stride * Count));
        Packets = (RteMbuf**)NativeMemory.Alloc((nuint)Count, (nuint)sizeof(void*));
        for (var i = 0; i < Count; i++)
        {
            var mbuf = (RteMbuf*)(memory + i * Stride);
            Packets[i] = mbuf;
            mbuf->buf_addr = (byte*)mbuf + 128 + PacketMeta.Size;
            mbuf->buf_len = 128 + 2048;
            Reset(i);
        }
    }

    internal int Count { get; }

    internal RteMbuf** Packets { get; }

    internal byte* Data(int i) => Packets[i]->buf_addr + Packets[i]->data_off;

    internal PacketMeta* Meta(int i) => (PacketMeta*)(Packets[i] + 1);

    internal int Length(int i) => Packets[i]->data_len;

    /// <summary>Puts a frame back as it was.</summary>
    internal void Reset(int i)
    {
        var mbuf = Packets[i];
        mbuf->data_off = 128;
        mbuf->data_len = (ushort)_frames[i].Length;
        mbuf->pkt_len = (uint)_frames[i].Length;
        mbuf->nb_segs = 1;
        mbuf->refcnt = 1;
        _frames[i].CopyTo(new Span<byte>(mbuf->buf_addr + 128, _frames[i].Length));
        Meta(i)->InPort = 1;
    }
}
