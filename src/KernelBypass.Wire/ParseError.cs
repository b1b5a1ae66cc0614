namespace KernelBypass.Wire;

/// <summary>
/// Why bytes are not a well-formed header. Each value has a stable snake_case name (see <see cref="ParseErrors"/>).
/// </summary>
public enum ParseError : byte
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>Fewer than 14 bytes of Ethernet header.</summary>
    TruncatedEthernet,

    /// <summary>A tag's type is there, but not the 4 bytes that must follow it.</summary>
    TruncatedVlan,

    /// <summary>More tags than <see cref="VlanStack.MaxTags"/>.</summary>
    TooManyVlans,

    /// <summary>Fewer than 28 bytes of ARP.</summary>
    TruncatedArp,

    /// <summary>ARP for something else than IPv4 over Ethernet (RFC 826 ar$hrd, ar$pro, ar$hln, ar$pln).</summary>
    UnsupportedArp,

    /// <summary>Fewer than 20 bytes of IPv4 header, or fewer than IHL says.</summary>
    TruncatedIpv4,

    /// <summary>The IPv4 version field is not 4.</summary>
    BadIpv4Version,

    /// <summary>IHL is under 5 (RFC 791 3.1).</summary>
    BadIhl,

    /// <summary>Total length is less than the header or more than the bytes there.</summary>
    IpTotalLength,

    /// <summary>An IPv4 option's length is under 2 or passes the end of the header.</summary>
    BadIpv4Option,

    /// <summary>Fewer than 40 bytes of IPv6 header.</summary>
    TruncatedIpv6,

    /// <summary>The IPv6 version field is not 6.</summary>
    BadIpv6Version,

    /// <summary>Payload length is more than the bytes there.</summary>
    Ipv6PayloadLength,

    /// <summary>An extension header passes the end of the packet.</summary>
    TruncatedIpv6Extension,

    /// <summary>More extension headers than <see cref="Ipv6Extensions.MaxHeaders"/>.</summary>
    TooManyIpv6Extensions,

    /// <summary>Hop-by-hop options anywhere but first (RFC 8200 4.1).</summary>
    Ipv6ExtensionOrder,

    /// <summary>An option inside an extension header passes its end.</summary>
    BadIpv6Option,

    /// <summary>Fewer than 8 bytes of ICMP.</summary>
    TruncatedIcmpv4,

    /// <summary>Fewer than 4 bytes of ICMPv6, or than the message type needs.</summary>
    TruncatedIcmpv6,

    /// <summary>The ICMPv6 type is not the one that this view is for.</summary>
    UnexpectedIcmpv6Type,

    /// <summary>A neighbour discovery option has length 0 or passes the end (RFC 4861 4.6).</summary>
    BadNdOption,

    /// <summary>Fewer than 20 bytes of TCP header, or fewer than the data offset says.</summary>
    TruncatedTcp,

    /// <summary>TCP data offset is under 5 (RFC 9293 3.1).</summary>
    BadTcpDataOffset,

    /// <summary>A TCP option's length is under 2, wrong for its kind, or passes the end of the header.</summary>
    BadTcpOption,

    /// <summary>Fewer than 8 bytes of UDP header.</summary>
    TruncatedUdp,

    /// <summary>UDP length is under 8 or more than the bytes there (RFC 768).</summary>
    UdpLength,
}

/// <summary>Names for <see cref="ParseError"/>.</summary>
public static class ParseErrors
{
    private static readonly string[] s_names = [.. Enum.GetNames<ParseError>().Select(SnakeCase)];

    /// <summary>The stable name used in counters and traces, such as <c>truncated_ethernet</c> or <c>bad_ihl</c>.</summary>
    public static string Name(this ParseError error) => (int)error < s_names.Length ? s_names[(int)error] : "unknown";

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((c, i) => (char.IsUpper(c) && i > 0 ? "_" : "") + char.ToLowerInvariant(c)));
}
