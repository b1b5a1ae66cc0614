using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

// What concerns the whole packet: its bytes across segments, its ownership.
public readonly unsafe partial struct Mbuf
{
    /// <summary>
    /// The bytes at <paramref name="offset"/> of the packet: in place when they lie in one segment, else copied into
    /// <paramref name="scratch"/>, which must hold them (rte_pktmbuf_read). Null when the packet is shorter.
    /// </summary>
    public byte* Read(uint offset, uint length, byte* scratch)
    {
        if (offset > _mbuf->pkt_len || length > _mbuf->pkt_len - offset)
            return null;
        RteMbuf* segment = _mbuf;
        while (offset >= segment->data_len && segment->next is not null)
        {
            offset -= segment->data_len;
            segment = segment->next;
        }

        byte* data = segment->buf_addr + segment->data_off + offset;
        if (offset + length <= segment->data_len)
            return data;
        uint copied = 0;
        while (copied < length)
        {
            uint part = Math.Min(length - copied, segment->data_len - offset);
            Buffer.MemoryCopy(segment->buf_addr + segment->data_off + offset, scratch + copied, length - copied, part);
            copied += part;
            offset = 0;
            segment = segment->next;
        }

        return scratch;
    }

    /// <summary>Copies the packet's first bytes, across segments, as far as both reach; returns how many.</summary>
    public int CopyTo(Span<byte> destination)
    {
        int copied = 0;
        for (RteMbuf* segment = _mbuf; segment is not null && copied < destination.Length; segment = segment->next)
        {
            int part = Math.Min(segment->data_len, destination.Length - copied);
            new ReadOnlySpan<byte>(segment->buf_addr + segment->data_off, part).CopyTo(destination[copied..]);
            copied += part;
        }

        return copied;
    }

    /// <summary>Makes one segment of the packet; false when the first has not the room (rte_pktmbuf_linearize).</summary>
    public bool Linearize() => _mbuf->nb_segs == 1 || Kb.kb_mbuf_linearize(_mbuf) == 0;

    /// <summary>Adds owners to every segment: as many more <see cref="Free"/> are due.</summary>
    public void AddReferences(short count) => Kb.kb_mbuf_add_references(_mbuf, count);

    /// <summary>Gives the packet, all segments, back to its pool.</summary>
    public void Free() => Kb.kb_mbuf_free(_mbuf);

    /// <summary>Gives packets back to their pools, in one call.</summary>
    public static void FreeBulk(Mbuf* packets, uint count) => Kb.kb_mbuf_free_bulk(packets, count);

    /// <summary>DPDK's own consistency check (rte_mbuf_check): null, or what is wrong. For tests and debugging.</summary>
    public string? Check()
    {
        byte* reason = null;
        return Kb.kb_mbuf_check(_mbuf, &reason) == 0 ? null : Kb.Text(reason);
    }
}
