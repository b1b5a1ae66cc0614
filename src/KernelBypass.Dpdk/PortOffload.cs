namespace KernelBypass.Dpdk;

/// <summary>What a device can do for the packets (KB_OFFLOAD_*, the shim's own bits: DPDK renumbers).</summary>
[Flags]
public enum PortOffload : ulong
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Verify the IPv4 header checksum of received packets.</summary>
    RxIpv4Checksum = 1ul << 0,

    /// <summary>Verify the UDP checksum of received packets.</summary>
    RxUdpChecksum = 1ul << 1,

    /// <summary>Verify the TCP checksum of received packets.</summary>
    RxTcpChecksum = 1ul << 2,

    /// <summary>Take the VLAN tag out of received packets.</summary>
    RxVlanStrip = 1ul << 3,

    /// <summary>Take both tags out of received packets.</summary>
    RxQinQStrip = 1ul << 4,

    /// <summary>Receive a packet over several segments. Asked for by itself when the MTU exceeds the mbufs' data room.</summary>
    RxScatter = 1ul << 5,

    /// <summary>Deliver the RSS hash.</summary>
    RxRssHash = 1ul << 6,

    /// <summary>Compute the IPv4 header checksum.</summary>
    TxIpv4Checksum = 1ul << 32,

    /// <summary>Compute the UDP checksum.</summary>
    TxUdpChecksum = 1ul << 33,

    /// <summary>Compute the TCP checksum.</summary>
    TxTcpChecksum = 1ul << 34,

    /// <summary>Insert a VLAN tag.</summary>
    TxVlanInsert = 1ul << 35,

    /// <summary>Insert two VLAN tags.</summary>
    TxQinQInsert = 1ul << 36,

    /// <summary>Send packets of several segments.</summary>
    TxMultiSegments = 1ul << 37,

    /// <summary>All mbufs of a tx queue come from one mempool and have one owner, so they are freed faster.</summary>
    TxFastFree = 1ul << 38,

    /// <summary>All checksums, both ways.</summary>
    Checksums = RxIpv4Checksum | RxUdpChecksum | RxTcpChecksum | TxIpv4Checksum | TxUdpChecksum | TxTcpChecksum,
}

/// <summary>The outcome of asking for offloads.</summary>
/// <param name="Requested">Asked for, scatter included when the MTU needs it.</param>
/// <param name="Granted">What the device does.</param>
public readonly record struct PortOffloads(PortOffload Requested, PortOffload Granted)
{
    /// <summary>What software must do: the transmit part by <see cref="Port.TxSoftware"/>.</summary>
    public PortOffload Missing => Requested & ~Granted;
}
