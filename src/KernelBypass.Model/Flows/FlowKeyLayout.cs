namespace KernelBypass.Model.Flows;

/// <summary>
/// Where each field stands in the flow key: 16 words of 8 bytes (two cache lines), every field in network byte order, so
/// that header bytes are copied as they come and a prefix mask is a run of leading one bits.
/// </summary>
/// <remarks>
/// <code>
/// word byte  0     1     2     3     4     5     6     7
///  0    0   [ eth_dst                         ][ eth_src
///  1    8     eth_src             ][ vlan_tci ][ eth_type ]
///  2   16   [vlan_inner][in_tpid   ][ in_port              ]
///  3   24   [ ipv4_src / arp_spa    ][ ipv4_dst / arp_tpa  ]
///  4   32   [proto][tos ][ttl ][frag][ l4_src  ][ l4_dst   ]   icmp type/code stand in l4_src/l4_dst (low byte)
///  5   40   [tcp_flags ][ arp_op   ][ ipv6_flabel          ]
///  6   48   [ metadata                                     ]
///  7-8 56   [ ipv6_src                                     ]
///  9-10 72  [ ipv6_dst                                     ]
/// 11-12 88  [ nd_target                                    ]
/// 13  104   [ arp_sha / nd_sll                 ][ arp_tha / nd_tll
/// 14  112     arp_tha / nd_tll    ][ ipv6_exthdr][ vlan_tpid  ]
/// 15  120   [ reserved: always zero                         ]
/// </code>
/// vlan_tci is the 802.1Q TCI of the outermost tag with bit 12 (CFI) set to say "a tag is present", as OpenFlow's
/// OFPVID_PRESENT does; zero means untagged. eth_type is that of the payload after all tags. Fields whose protocols
/// exclude each other share a place: their prerequisites keep them apart.
/// </remarks>
public static class FlowKeyLayout
{
    /// <summary>Words of 8 bytes in a key.</summary>
    public const int Words = 16;

    /// <summary>Bytes in a key.</summary>
    public const int Bytes = Words * 8;

    public const int EthDst = 0;
    public const int EthSrc = 6;
    public const int VlanTci = 12;
    public const int EthType = 14;
    public const int InnerVlanTci = 16;
    public const int InnerTpid = 18;
    public const int InPort = 20;
    public const int Ipv4Src = 24;
    public const int Ipv4Dst = 28;
    public const int IpProto = 32;
    public const int IpTos = 33;
    public const int IpTtl = 34;
    public const int IpFrag = 35;
    public const int L4Src = 36;
    public const int L4Dst = 38;
    public const int TcpFlags = 40;
    public const int ArpOp = 42;
    public const int Ipv6FlowLabel = 44;
    public const int Metadata = 48;
    public const int Ipv6Src = 56;
    public const int Ipv6Dst = 72;
    public const int NdTarget = 88;
    public const int ArpShaNdSll = 104;
    public const int ArpThaNdTll = 110;
    public const int Ipv6ExtHdr = 116;
    public const int VlanTpid = 118;

    /// <summary>Set in vlan_tci when a tag is present (OpenFlow 1.3 7.2.3.7, OFPVID_PRESENT).</summary>
    public const ushort VlanPresent = 0x1000;

    /// <summary>ip_frag: the packet is a fragment, first or later.</summary>
    public const byte FragAny = 1;

    /// <summary>ip_frag: a fragment with an offset above zero, which carries no L4 header.</summary>
    public const byte FragLater = 2;
}
