namespace KernelBypass.Dpdk;

/// <summary>What the device hashes to choose an rx queue: RTE_ETH_RSS_* (rte_ethdev.h).</summary>
[Flags]
public enum RssHash : ulong
{
    /// <summary>No RSS.</summary>
    None = 0,

    /// <summary>RTE_ETH_RSS_IPV4.</summary>
    Ipv4 = 1ul << 2,

    /// <summary>RTE_ETH_RSS_FRAG_IPV4.</summary>
    FragmentIpv4 = 1ul << 3,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV4_TCP.</summary>
    Ipv4Tcp = 1ul << 4,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV4_UDP.</summary>
    Ipv4Udp = 1ul << 5,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV4_SCTP.</summary>
    Ipv4Sctp = 1ul << 6,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV4_OTHER.</summary>
    Ipv4Other = 1ul << 7,

    /// <summary>RTE_ETH_RSS_IPV6.</summary>
    Ipv6 = 1ul << 8,

    /// <summary>RTE_ETH_RSS_FRAG_IPV6.</summary>
    FragmentIpv6 = 1ul << 9,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV6_TCP.</summary>
    Ipv6Tcp = 1ul << 10,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV6_UDP.</summary>
    Ipv6Udp = 1ul << 11,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV6_SCTP.</summary>
    Ipv6Sctp = 1ul << 12,

    /// <summary>RTE_ETH_RSS_NONFRAG_IPV6_OTHER.</summary>
    Ipv6Other = 1ul << 13,

    /// <summary>RTE_ETH_RSS_L2_PAYLOAD.</summary>
    L2Payload = 1ul << 14,

    /// <summary>RTE_ETH_RSS_IPV6_EX.</summary>
    Ipv6Extension = 1ul << 15,

    /// <summary>RTE_ETH_RSS_IPV6_TCP_EX.</summary>
    Ipv6TcpExtension = 1ul << 16,

    /// <summary>RTE_ETH_RSS_IPV6_UDP_EX.</summary>
    Ipv6UdpExtension = 1ul << 17,

    /// <summary>The addresses of any IP packet.</summary>
    Ip = Ipv4 | FragmentIpv4 | Ipv4Other | Ipv6 | FragmentIpv6 | Ipv6Other | Ipv6Extension,

    /// <summary>Addresses and ports of TCP.</summary>
    Tcp = Ipv4Tcp | Ipv6Tcp | Ipv6TcpExtension,

    /// <summary>Addresses and ports of UDP.</summary>
    Udp = Ipv4Udp | Ipv6Udp | Ipv6UdpExtension,

    /// <summary>5-tuples where there are ports, addresses elsewhere: the usual choice.</summary>
    FiveTuple = Ip | Tcp | Udp,
}
