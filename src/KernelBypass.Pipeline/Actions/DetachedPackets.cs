using System.Runtime.InteropServices;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// Packets in plain native memory, laid out as mbufs of one segment, for code that runs without EAL: explain and tests. They must
/// not be given to DPDK.
/// </summary>
public sealed unsafe class DetachedPackets : IDisposable
{
    /// <summary>Longest frame.</summary>
    public const int MaxFrame = 9216;

    private const int MetaOffset = RteMbuf.SizeInBytes;
    private const int BufferOffset = MetaOffset + PacketMeta.Size;

    private readonly HashSet<nint> _live = [];

    /// <summary>Packets made and not freed.</summary>
    public int Live => _live.Count;

    /// <summary>A packet of a frame's bytes; its meta is zero but for InPort and WireLength.</summary>
    /// <exception cref="ArgumentException">The frame is longer than <see cref="MaxFrame"/>.</exception>
    public void* Create(ReadOnlySpan<byte> frame, uint inPort, int headroom = Mbuf.DefaultHeadroom)
    {
        if (frame.Length > MaxFrame)
            throw new ArgumentException($"a frame may have at most {MaxFrame} bytes; this one has {frame.Length}", nameof(frame));
        var bytes = BufferOffset + headroom + frame.Length;
        var mbuf = (RteMbuf*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
        NativeMemory.Clear(mbuf, BufferOffset);
        mbuf->buf_addr = (byte*)mbuf + BufferOffset;
        mbuf->buf_len = (ushort)(headroom + frame.Length);
        mbuf->data_off = (ushort)headroom;
        mbuf->data_len = (ushort)frame.Length;
        mbuf->pkt_len = (uint)frame.Length;
        mbuf->nb_segs = 1;
        mbuf->refcnt = 1;
        mbuf->priv_size = PacketMeta.Size;
        frame.CopyTo(new Mbuf(mbuf).Span);
        var meta = Meta(mbuf);
        meta->InPort = inPort;
        meta->WireLength = (uint)frame.Length;
        _live.Add((nint)mbuf);
        return mbuf;
    }

    /// <summary>A copy of the first bytes of a packet, with its meta.</summary>
    public void* Copy(void* mbuf, uint maxLength)
    {
        var source = new Mbuf((RteMbuf*)mbuf);
        var frame = Frame(mbuf);
        var copy = Create(frame.AsSpan(0, (int)Math.Min((uint)frame.Length, maxLength)), 0);
        *Meta(copy) = *(PacketMeta*)source.PrivateArea;
        return copy;
    }

    /// <summary>Frees a packet that this object has made.</summary>
    /// <exception cref="InvalidOperationException">It has not, or the packet was freed before.</exception>
    public void Free(void* mbuf)
    {
        if (!_live.Remove((nint)mbuf)) throw new InvalidOperationException("a packet was freed twice, or is not of these packets");
        NativeMemory.AlignedFree(mbuf);
    }

    /// <summary>A packet's meta.</summary>
    public static PacketMeta* Meta(void* mbuf) => (PacketMeta*)new Mbuf((RteMbuf*)mbuf).PrivateArea;

    /// <summary>A packet's bytes, of all segments.</summary>
    public static byte[] Frame(void* mbuf)
    {
        var frame = new List<byte>();
        for (var segment = new Mbuf((RteMbuf*)mbuf); !segment.IsNull; segment = segment.Next) frame.AddRange(segment.Span);
        return [.. frame];
    }

    /// <summary>Frees what is left.</summary>
    public void Dispose()
    {
        foreach (var mbuf in _live) NativeMemory.AlignedFree((void*)mbuf);
        _live.Clear();
    }
}
