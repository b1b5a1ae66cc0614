using System.Runtime.CompilerServices;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>
/// A packet: a view over <c>struct rte_mbuf</c>, the size of a pointer, so an <c>Mbuf*</c> is DPDK's array of packets.
/// Accessors read and write the struct in place and call nothing.
/// <code>
///   buf_addr                                           the next segment, if any
///   |&lt;- Headroom -&gt;|&lt;- DataLength -&gt;|&lt;- Tailroom -&gt;|
///   +--------------+----------------+--------------+
///   |              | Data           |              |   PacketLength is the sum of all segments' DataLength
///   +--------------+----------------+--------------+
/// </code>
/// </summary>
public readonly unsafe partial struct Mbuf(RteMbuf* pointer)
{
    /// <summary>Headroom of a fresh mbuf, bytes (RTE_PKTMBUF_HEADROOM).</summary>
    public const ushort DefaultHeadroom = 128;

    /// <summary>Width of l2_len in tx_offload.</summary>
    internal const int L2LengthBits = 7;

    /// <summary>Width of l3_len in tx_offload.</summary>
    internal const int L3LengthBits = 9;

    /// <summary>Width of l4_len in tx_offload.</summary>
    internal const int L4LengthBits = 8;

    private readonly RteMbuf* _mbuf = pointer;

    /// <summary>The struct itself.</summary>
    public RteMbuf* Pointer => _mbuf;

    /// <summary>No packet: an allocation that failed, or the end of a chain.</summary>
    public bool IsNull => _mbuf is null;

    /// <summary>First byte of this segment's data.</summary>
    public byte* Data => _mbuf->buf_addr + _mbuf->data_off;

    /// <summary>Bytes in this segment.</summary>
    public ushort DataLength
    {
        get => _mbuf->data_len;
        set => _mbuf->data_len = value;
    }

    /// <summary>Bytes in the whole packet; of the first segment only.</summary>
    public uint PacketLength
    {
        get => _mbuf->pkt_len;
        set => _mbuf->pkt_len = value;
    }

    /// <summary>This segment's bytes.</summary>
    public Span<byte> Span => new(Data, _mbuf->data_len);

    /// <summary>Segments in the packet; of the first segment only.</summary>
    public ushort SegmentCount => _mbuf->nb_segs;

    /// <summary>The next segment, or a null one.</summary>
    public Mbuf Next => new(_mbuf->next);

    /// <summary>The last segment.</summary>
    public Mbuf LastSegment
    {
        get
        {
            RteMbuf* last = _mbuf;
            while (last->next is not null)
                last = last->next;
            return new Mbuf(last);
        }
    }

    /// <summary>The port it came in by.</summary>
    public ushort PortId
    {
        get => _mbuf->port;
        set => _mbuf->port = value;
    }

    /// <summary>What the device found, or shall do.</summary>
    public MbufFlags Flags
    {
        get => (MbufFlags)_mbuf->ol_flags;
        set => _mbuf->ol_flags = (ulong)value;
    }

    /// <summary>VLAN TCI, host order: received when RxVlan is set, to insert when TxVlan is.</summary>
    public ushort VlanTci
    {
        get => _mbuf->vlan_tci;
        set => _mbuf->vlan_tci = value;
    }

    /// <summary>Outer VLAN TCI, host order: received when RxQinQ is set, to insert when TxQinQ is.</summary>
    public ushort OuterVlanTci
    {
        get => _mbuf->vlan_tci_outer;
        set => _mbuf->vlan_tci_outer = value;
    }

    /// <summary>The device's RSS hash, valid when RxRssHash is set.</summary>
    public uint RssHash
    {
        get => _mbuf->hash_rss;
        set => _mbuf->hash_rss = value;
    }

    /// <summary>RTE_PTYPE_*, 0 when the device tells nothing.</summary>
    public uint PacketType => _mbuf->packet_type;

    /// <summary>Free bytes before the data.</summary>
    public ushort Headroom => _mbuf->data_off;

    /// <summary>Free bytes behind this segment's data.</summary>
    public ushort Tailroom => (ushort)(_mbuf->buf_len - _mbuf->data_off - _mbuf->data_len);

    /// <summary>Owners of this segment.</summary>
    public ushort ReferenceCount => _mbuf->refcnt;

    /// <summary>Others hold this segment or its data: its bytes must not be written.</summary>
    public bool IsShared =>
        _mbuf->refcnt != 1 || (_mbuf->ol_flags & (ulong)(MbufFlags.Indirect | MbufFlags.ExternalBuffer)) != 0;

    /// <summary>The private area right behind the struct: <see cref="MempoolOptions.PrivateSize"/> bytes.</summary>
    public void* PrivateArea => _mbuf + 1;

    /// <summary>The private area as a <typeparamref name="T"/>, which must fit in it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref T Private<T>()
        where T : unmanaged => ref *(T*)(_mbuf + 1);

    /// <summary>
    /// Grows the data at the front by <paramref name="length"/> bytes (rte_pktmbuf_prepend): the new first byte, or null when
    /// the headroom does not suffice.
    /// </summary>
    public byte* Prepend(ushort length)
    {
        if (length > _mbuf->data_off)
            return null;
        _mbuf->data_off -= length;
        _mbuf->data_len += length;
        _mbuf->pkt_len += length;
        return Data;
    }

    /// <summary>
    /// Takes bytes off the front (rte_pktmbuf_adj): the new first byte, or null when the first segment is shorter.
    /// </summary>
    public byte* Adj(ushort length)
    {
        if (length > _mbuf->data_len)
            return null;
        _mbuf->data_off += length;
        _mbuf->data_len -= length;
        _mbuf->pkt_len -= length;
        return Data;
    }

    /// <summary>
    /// Grows the data at the end of the last segment (rte_pktmbuf_append): the first new byte, or null when the tailroom does
    /// not suffice.
    /// </summary>
    public byte* Append(ushort length)
    {
        Mbuf last = LastSegment;
        if (length > last.Tailroom)
            return null;
        byte* tail = last.Data + last.DataLength;
        last._mbuf->data_len += length;
        _mbuf->pkt_len += length;
        return tail;
    }

    /// <summary>Takes bytes off the end (rte_pktmbuf_trim): false when the last segment is shorter.</summary>
    public bool Trim(ushort length)
    {
        Mbuf last = LastSegment;
        if (length > last.DataLength)
            return false;
        last._mbuf->data_len -= length;
        _mbuf->pkt_len -= length;
        return true;
    }

    /// <summary>
    /// Hangs the segments of <paramref name="tail"/> behind this packet's (rte_pktmbuf_chain); false over 65,535.
    /// </summary>
    public bool Chain(Mbuf tail)
    {
        int segments = _mbuf->nb_segs + tail._mbuf->nb_segs;
        if (segments > ushort.MaxValue)
            return false;
        LastSegment._mbuf->next = tail._mbuf;
        _mbuf->nb_segs = (ushort)segments;
        _mbuf->pkt_len += tail._mbuf->pkt_len;
        tail._mbuf->pkt_len = tail._mbuf->data_len;
        return true;
    }

    /// <summary>
    /// Header lengths for transmit offloads: Ethernet with tags (below 128), IP (below 512), L4 (below 256), bytes.
    /// Clears the other fields of tx_offload.
    /// </summary>
    public void SetHeaderLengths(uint l2, uint l3, uint l4 = 0) =>
        _mbuf->tx_offload = l2 | ((ulong)l3 << L2LengthBits) | ((ulong)l4 << (L2LengthBits + L3LengthBits));
}
