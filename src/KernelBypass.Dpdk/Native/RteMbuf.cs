using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Native;

/// <summary>
/// DPDK's <c>struct rte_mbuf</c> (rte_mbuf_core.h), two cache lines, read and written in place. Its offsets are verified
/// against libkbdpdk's at start-up by <see cref="LayoutVerifier"/>.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = SizeInBytes)]
public unsafe struct RteMbuf
{
    /// <summary>sizeof(struct rte_mbuf): the private area begins here.</summary>
    public const int SizeInBytes = 128;

    /// <summary>Start of the segment's buffer.</summary>
    [FieldOffset(0)] public byte* buf_addr;

    /// <summary>Offset of the data in the buffer, bytes.</summary>
    [FieldOffset(16)] public ushort data_off;

    /// <summary>How many owners the segment has.</summary>
    [FieldOffset(18)] public ushort refcnt;

    /// <summary>Segments in the packet; valid in the first one.</summary>
    [FieldOffset(20)] public ushort nb_segs;

    /// <summary>The port the packet came in by.</summary>
    [FieldOffset(22)] public ushort port;

    /// <summary>RTE_MBUF_F_*.</summary>
    [FieldOffset(24)] public ulong ol_flags;

    /// <summary>RTE_PTYPE_*.</summary>
    [FieldOffset(32)] public uint packet_type;

    /// <summary>Bytes in all segments; valid in the first one.</summary>
    [FieldOffset(36)] public uint pkt_len;

    /// <summary>Bytes in this segment.</summary>
    [FieldOffset(40)] public ushort data_len;

    /// <summary>VLAN TCI, host order.</summary>
    [FieldOffset(42)] public ushort vlan_tci;

    /// <summary>hash.rss: the RSS hash, when RTE_MBUF_F_RX_RSS_HASH is set.</summary>
    [FieldOffset(44)] public uint hash_rss;

    /// <summary>Outer VLAN TCI, host order.</summary>
    [FieldOffset(52)] public ushort vlan_tci_outer;

    /// <summary>Bytes in the buffer.</summary>
    [FieldOffset(54)] public ushort buf_len;

    /// <summary>The mempool the segment returns to.</summary>
    [FieldOffset(56)] public void* pool;

    /// <summary>Next segment, or null.</summary>
    [FieldOffset(64)] public RteMbuf* next;

    /// <summary>l2_len:7, l3_len:9, l4_len:8, ... for transmit offloads.</summary>
    [FieldOffset(72)] public ulong tx_offload;

    /// <summary>Shared data of an attached external buffer.</summary>
    [FieldOffset(80)] public void* shinfo;

    /// <summary>Bytes in the private area.</summary>
    [FieldOffset(88)] public ushort priv_size;
}
