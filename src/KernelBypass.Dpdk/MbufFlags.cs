namespace KernelBypass.Dpdk;

/// <summary>The offload flags of a packet, RTE_MBUF_F_* (rte_mbuf_core.h), verified at start-up.</summary>
#pragma warning disable CA1069 // TxL4Mask is a field of two bits whose value 3 is TxUdpChecksum.
[Flags]
public enum MbufFlags : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The VLAN TCI of the frame is in the mbuf.</summary>
    RxVlan = 1ul << 0,

    /// <summary>The RSS hash is valid.</summary>
    RxRssHash = 1ul << 1,

    /// <summary>The device found the TCP or UDP checksum wrong.</summary>
    RxL4ChecksumBad = 1ul << 3,

    /// <summary>The device found the IPv4 checksum wrong.</summary>
    RxIpChecksumBad = 1ul << 4,

    /// <summary>The tag was taken out of the frame.</summary>
    RxVlanStripped = 1ul << 6,

    /// <summary>The device found the IPv4 checksum right.</summary>
    RxIpChecksumGood = 1ul << 7,

    /// <summary>Both bits of the IPv4 checksum verdict; both set: no checksum.</summary>
    RxIpChecksumMask = RxIpChecksumBad | RxIpChecksumGood,

    /// <summary>The device found the TCP or UDP checksum right.</summary>
    RxL4ChecksumGood = 1ul << 8,

    /// <summary>Both bits of the L4 checksum verdict; both set: no checksum.</summary>
    RxL4ChecksumMask = RxL4ChecksumBad | RxL4ChecksumGood,

    /// <summary>Both tags were taken out of the frame.</summary>
    RxQinQStripped = 1ul << 15,

    /// <summary>The outer TCI is in the mbuf.</summary>
    RxQinQ = 1ul << 20,

    /// <summary>Insert the outer and inner tag.</summary>
    TxQinQ = 1ul << 49,

    /// <summary>Compute the TCP checksum.</summary>
    TxTcpChecksum = 1ul << 52,

    /// <summary>Compute the UDP checksum.</summary>
    TxUdpChecksum = 3ul << 52,

    /// <summary>The field that says which L4 checksum.</summary>
    TxL4Mask = 3ul << 52,

    /// <summary>Compute the IPv4 header checksum.</summary>
    TxIpChecksum = 1ul << 54,

    /// <summary>The packet is IPv4: needed with L4 checksums.</summary>
    TxIpv4 = 1ul << 55,

    /// <summary>The packet is IPv6: needed with L4 checksums.</summary>
    TxIpv6 = 1ul << 56,

    /// <summary>Insert the tag in vlan_tci.</summary>
    TxVlan = 1ul << 57,

    /// <summary>The data is in an attached external buffer.</summary>
    ExternalBuffer = 1ul << 61,

    /// <summary>The data belongs to another mbuf.</summary>
    Indirect = 1ul << 62,
}
