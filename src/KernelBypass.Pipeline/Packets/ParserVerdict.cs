using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Packets;

/// <summary>What the parser says of a packet. Everything but <see cref="Ok"/> is a reason to drop it.</summary>
public enum ParserVerdict : byte
{
    /// <summary>Well-formed, as far as the switch looks.</summary>
    Ok = 0,
    TruncatedEthernet,
    VlanTruncated,
    VlanTooManyTags,
    ArpTruncated,
    ArpBad,
    Ipv4Truncated,
    Ipv4BadVersion,
    Ipv4BadHeaderLength,
    Ipv4BadTotalLength,
    Ipv4BadChecksum,
    Ipv6Truncated,
    Ipv6BadVersion,
    Ipv6BadPayloadLength,
    Ipv6TruncatedExtension,
    Ipv6TooManyExtensions,
    TcpTruncated,
    TcpBadDataOffset,
    UdpTruncated,
    UdpBadLength,
    IcmpTruncated,
    NdTruncated,
    NdBadOption,
    L4BadChecksum,
    HeadersSplit,
    VlanNoHeadroom,
}

/// <summary>The drop reason of each verdict, declared once: reason i belongs to verdict i + 1.</summary>
public static class ParserDropReasons
{
    /// <summary>In the order of <see cref="ParserVerdict"/>, without Ok.</summary>
    public static IReadOnlyList<DropReasonDeclaration> All { get; } =
    [
        new("truncated_ethernet", "Fewer than 14 bytes: no whole Ethernet header."),
        new("vlan_truncated", "The frame ends inside a VLAN tag."),
        new("vlan_too_many_tags", "More than four VLAN tags."),
        new("arp_truncated", "Fewer than the 28 bytes of an ARP packet for IPv4 over Ethernet."),
        new("arp_bad", "ARP for something else than IPv4 over Ethernet (RFC 826 ar$hrd, ar$pro, ar$hln, ar$pln)."),
        new("ipv4_truncated", "Fewer than the 20 bytes of an IPv4 header."),
        new("ipv4_bad_version", "EtherType 0x0800, but the version field is not 4."),
        new("ipv4_bad_header_length", "IHL is under 5, or the header passes the end of the frame (RFC 791 3.1)."),
        new("ipv4_bad_total_length", "Total length is less than the header or more than the frame holds."),
        new("ipv4_bad_checksum", "The IPv4 header checksum is wrong (only with option verify_ipv4_checksum)."),
        new("ipv6_truncated", "Fewer than the 40 bytes of an IPv6 header."),
        new("ipv6_bad_version", "EtherType 0x86dd, but the version field is not 6."),
        new("ipv6_bad_payload_length", "Payload length is more than the frame holds."),
        new("ipv6_truncated_extension", "An IPv6 extension header passes the end of the packet."),
        new("ipv6_too_many_extensions", "More than eight IPv6 extension headers."),
        new("tcp_truncated", "Fewer than the 20 bytes of a TCP header; also a first fragment that cuts it (RFC 1858 3)."),
        new("tcp_bad_data_offset", "TCP data offset is under 5 or passes the end of the packet."),
        new("udp_truncated", "Fewer than the 8 bytes of a UDP header."),
        new("udp_bad_length", "UDP length is under 8 or passes the end of the packet."),
        new("icmp_truncated", "Fewer than the 8 bytes of an ICMP header, or than the 4 of an ICMPv6 one."),
        new("nd_truncated", "A neighbour solicitation or advertisement without its whole target address."),
        new("nd_bad_option", "A neighbour discovery option has length 0 or passes the end (RFC 4861 4.6)."),
        new("l4_bad_checksum", "The device found the TCP or UDP checksum wrong (only with option verify_l4_checksum)."),
        new("headers_split", "The headers are spread over buffer segments and do not fit in the first one."),
        new("vlan_no_headroom", "No room before the data to put a tag back that the device had taken out."),
    ];

    /// <summary>Index in <see cref="All"/> of a verdict other than Ok.</summary>
    public static int Index(ParserVerdict verdict) => (int)verdict - 1;
}
