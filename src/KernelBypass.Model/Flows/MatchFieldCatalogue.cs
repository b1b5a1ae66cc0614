using static KernelBypass.Model.Flows.FieldFormat;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Model.Flows;

/// <summary>Every match field of the switch, one line each (OpenFlow 1.3.5, 7.2.3.7, and the extensions named there).</summary>
public static class MatchFieldCatalogue
{
    private const bool Masks = true;
    private const bool Exact = false;
    private const bool Set = true;
    private const bool ReadOnly = false;

    private static readonly Prerequisite[] s_none = [];
    private static readonly Prerequisite[] s_ipv4 = [new(0x0800)];
    private static readonly Prerequisite[] s_ipv6 = [new(0x86DD)];
    private static readonly Prerequisite[] s_ip = [new(0x0800), new(0x86DD)];
    private static readonly Prerequisite[] s_arp = [new(0x0806)];
    private static readonly Prerequisite[] s_tcp = [new(0x0800, 6), new(0x86DD, 6)];
    private static readonly Prerequisite[] s_udp = [new(0x0800, 17), new(0x86DD, 17)];
    private static readonly Prerequisite[] s_icmp4 = [new(0x0800, 1)];
    private static readonly Prerequisite[] s_icmp6 = [new(0x86DD, 58)];
    private static readonly Prerequisite[] s_nd = [new(0x86DD, 58, [135, 136])];
    private static readonly Prerequisite[] s_ndSll = [new(0x86DD, 58, [135])];
    private static readonly Prerequisite[] s_ndTll = [new(0x86DD, 58, [136])];

    /// <summary>All declarations, in order of their numbers.</summary>
    public static IReadOnlyList<MatchFieldDeclaration> All => s_all;

    private static readonly MatchFieldDeclaration[] s_all =
    [
        new(MatchField.InPort, "in_port", 32, Key.InPort, 0, 4, Exact, ReadOnly, Port, s_none, "Number of the port that received the packet."),
        new(MatchField.Metadata, "metadata", 64, Key.Metadata, 0, 8, Masks, ReadOnly, Hex, s_none, "Value handed from table to table by write_metadata."),
        new(MatchField.EthDst, "eth_dst", 48, Key.EthDst, 0, 6, Masks, Set, Mac, s_none, "Ethernet destination."),
        new(MatchField.EthSrc, "eth_src", 48, Key.EthSrc, 0, 6, Masks, Set, Mac, s_none, "Ethernet source."),
        new(MatchField.EthType, "eth_type", 16, Key.EthType, 0, 2, Exact, ReadOnly, Hex, s_none, "EtherType after all VLAN tags."),
        new(MatchField.VlanVid, "vlan_vid", 13, Key.VlanTci, 0, 2, Masks, Set, Hex, s_none, "Outermost VLAN id with bit 12 (0x1000) for 'present'; 0 is untagged."),
        new(MatchField.VlanPcp, "vlan_pcp", 3, Key.VlanTci, 13, 2, Exact, Set, Number, s_none, "Outermost VLAN priority; needs a vlan_vid match that requires a tag."),
        new(MatchField.IpDscp, "ip_dscp", 6, Key.IpTos, 2, 1, Exact, Set, Number, s_ip, "Differentiated services code point (RFC 2474)."),
        new(MatchField.IpEcn, "ip_ecn", 2, Key.IpTos, 0, 1, Exact, Set, Number, s_ip, "Explicit congestion notification bits (RFC 3168)."),
        new(MatchField.IpProto, "ip_proto", 8, Key.IpProto, 0, 1, Exact, ReadOnly, Number, s_ip, "IP protocol, or the last IPv6 next header reached."),
        new(MatchField.Ipv4Src, "ipv4_src", 32, Key.Ipv4Src, 0, 4, Masks, Set, Ipv4, s_ipv4, "IPv4 source address."),
        new(MatchField.Ipv4Dst, "ipv4_dst", 32, Key.Ipv4Dst, 0, 4, Masks, Set, Ipv4, s_ipv4, "IPv4 destination address."),
        new(MatchField.TcpSrc, "tcp_src", 16, Key.L4Src, 0, 2, Masks, Set, Number, s_tcp, "TCP source port."),
        new(MatchField.TcpDst, "tcp_dst", 16, Key.L4Dst, 0, 2, Masks, Set, Number, s_tcp, "TCP destination port."),
        new(MatchField.UdpSrc, "udp_src", 16, Key.L4Src, 0, 2, Masks, Set, Number, s_udp, "UDP source port."),
        new(MatchField.UdpDst, "udp_dst", 16, Key.L4Dst, 0, 2, Masks, Set, Number, s_udp, "UDP destination port."),
        new(MatchField.Icmpv4Type, "icmpv4_type", 8, Key.L4Src + 1, 0, 1, Exact, ReadOnly, Number, s_icmp4, "ICMP type."),
        new(MatchField.Icmpv4Code, "icmpv4_code", 8, Key.L4Dst + 1, 0, 1, Exact, ReadOnly, Number, s_icmp4, "ICMP code."),
        new(MatchField.ArpOp, "arp_op", 16, Key.ArpOp, 0, 2, Exact, ReadOnly, Number, s_arp, "ARP operation."),
        new(MatchField.ArpSpa, "arp_spa", 32, Key.Ipv4Src, 0, 4, Masks, ReadOnly, Ipv4, s_arp, "ARP sender protocol address."),
        new(MatchField.ArpTpa, "arp_tpa", 32, Key.Ipv4Dst, 0, 4, Masks, ReadOnly, Ipv4, s_arp, "ARP target protocol address."),
        new(MatchField.ArpSha, "arp_sha", 48, Key.ArpShaNdSll, 0, 6, Masks, ReadOnly, Mac, s_arp, "ARP sender hardware address."),
        new(MatchField.ArpTha, "arp_tha", 48, Key.ArpThaNdTll, 0, 6, Masks, ReadOnly, Mac, s_arp, "ARP target hardware address."),
        new(MatchField.Ipv6Src, "ipv6_src", 128, Key.Ipv6Src, 0, 16, Masks, Set, Ipv6, s_ipv6, "IPv6 source address."),
        new(MatchField.Ipv6Dst, "ipv6_dst", 128, Key.Ipv6Dst, 0, 16, Masks, Set, Ipv6, s_ipv6, "IPv6 destination address."),
        new(MatchField.Ipv6FlowLabel, "ipv6_flabel", 20, Key.Ipv6FlowLabel, 0, 4, Masks, ReadOnly, Hex, s_ipv6, "IPv6 flow label (right-aligned in four bytes)."),
        new(MatchField.Icmpv6Type, "icmpv6_type", 8, Key.L4Src + 1, 0, 1, Exact, ReadOnly, Number, s_icmp6, "ICMPv6 type."),
        new(MatchField.Icmpv6Code, "icmpv6_code", 8, Key.L4Dst + 1, 0, 1, Exact, ReadOnly, Number, s_icmp6, "ICMPv6 code."),
        new(MatchField.NdTarget, "ipv6_nd_target", 128, Key.NdTarget, 0, 16, Masks, ReadOnly, Ipv6, s_nd, "Target address of a neighbour solicitation or advertisement."),
        new(MatchField.NdSll, "ipv6_nd_sll", 48, Key.ArpShaNdSll, 0, 6, Masks, ReadOnly, Mac, s_ndSll, "Source link-layer address option."),
        new(MatchField.NdTll, "ipv6_nd_tll", 48, Key.ArpThaNdTll, 0, 6, Masks, ReadOnly, Mac, s_ndTll, "Target link-layer address option."),
        new(MatchField.Ipv6ExtHdr, "ipv6_exthdr", 9, Key.Ipv6ExtHdr, 0, 2, Masks, ReadOnly, Hex, s_ipv6, "OFPIEH bits: nonext 1, esp 2, auth 4, dest 8, frag 16, router 32, hop 64, unrep 128, unseq 256."),
        new(MatchField.TcpFlags, "tcp_flags", 12, Key.TcpFlags, 0, 2, Masks, ReadOnly, Hex, s_tcp, "TCP flags, reserved bits included (OXM_OF_TCP_FLAGS of OpenFlow 1.5)."),
        new(MatchField.IpTtl, "ip_ttl", 8, Key.IpTtl, 0, 1, Masks, Set, Number, s_ip, "IPv4 time to live or IPv6 hop limit."),
        new(MatchField.IpFrag, "ip_frag", 2, Key.IpFrag, 0, 1, Masks, ReadOnly, Fragment, s_ip, "0 not a fragment, 1 first fragment, 3 later fragment; mask 1 is 'any', mask 2 'later'."),
        new(MatchField.InnerVlanVid, "inner_vlan_vid", 13, Key.InnerVlanTci, 0, 2, Masks, ReadOnly, Hex, s_none, "Second VLAN id of a QinQ frame, 0x1000 for 'present'; 0 is no second tag."),
        new(MatchField.InnerVlanPcp, "inner_vlan_pcp", 3, Key.InnerVlanTci, 13, 2, Exact, ReadOnly, Number, s_none, "Second VLAN priority; needs an inner_vlan_vid match that requires a tag."),
        new(MatchField.VlanTpid, "vlan_tpid", 16, Key.VlanTpid, 0, 2, Exact, ReadOnly, Hex, s_none, "TPID of the outermost tag: 0x8100 or 0x88a8; 0 is untagged."),
    ];

    private static readonly MatchFieldDeclaration?[] s_byId = BuildIndex();

    private static readonly Dictionary<string, MatchFieldDeclaration> s_byName =
        s_all.ToDictionary(field => field.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>The declaration of a field, or null when there is no such field.</summary>
    public static MatchFieldDeclaration? Find(MatchField id) => (int)id < s_byId.Length ? s_byId[(int)id] : null;

    /// <summary>The declaration of a field by its name, or null.</summary>
    public static MatchFieldDeclaration? Find(string name) => s_byName.GetValueOrDefault(name);

    private static MatchFieldDeclaration?[] BuildIndex()
    {
        var index = new MatchFieldDeclaration?[256];
        foreach (var field in s_all) index[(int)field.Id] = field;
        return index;
    }
}
