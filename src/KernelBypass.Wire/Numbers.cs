namespace KernelBypass.Wire;

/// <summary>EtherType values (IANA ieee-802-numbers), in host order.</summary>
public static class EtherTypes
{
    /// <summary>IPv4.</summary>
    public const ushort Ipv4 = 0x0800;

    /// <summary>ARP.</summary>
    public const ushort Arp = 0x0806;

    /// <summary>802.1Q customer tag.</summary>
    public const ushort Vlan = 0x8100;

    /// <summary>802.1ad service tag.</summary>
    public const ushort QinQ = 0x88A8;

    /// <summary>The service tag used before 802.1ad.</summary>
    public const ushort LegacyQinQ = 0x9100;

    /// <summary>IPv6.</summary>
    public const ushort Ipv6 = 0x86DD;

    /// <summary>MPLS unicast.</summary>
    public const ushort Mpls = 0x8847;

    /// <summary>LLDP.</summary>
    public const ushort Lldp = 0x88CC;

    /// <summary>The least value that is a type; anything less is an IEEE 802.3 length.</summary>
    public const ushort Minimum = 0x0600;

    /// <summary>True for the three tag types 0x8100, 0x88A8 and 0x9100.</summary>
    public static bool IsVlan(ushort etherType) => etherType is Vlan or QinQ or LegacyQinQ;
}

/// <summary>IP protocol and IPv6 next-header numbers (IANA protocol-numbers).</summary>
public static class IpProtocols
{
    /// <summary>IPv6 hop-by-hop options.</summary>
    public const byte HopByHop = 0;

    /// <summary>ICMP for IPv4.</summary>
    public const byte Icmpv4 = 1;

    /// <summary>IGMP.</summary>
    public const byte Igmp = 2;

    /// <summary>TCP.</summary>
    public const byte Tcp = 6;

    /// <summary>UDP.</summary>
    public const byte Udp = 17;

    /// <summary>IPv6 routing header.</summary>
    public const byte Routing = 43;

    /// <summary>IPv6 fragment header.</summary>
    public const byte Fragment = 44;

    /// <summary>GRE.</summary>
    public const byte Gre = 47;

    /// <summary>Encapsulating security payload.</summary>
    public const byte Esp = 50;

    /// <summary>Authentication header.</summary>
    public const byte Authentication = 51;

    /// <summary>ICMPv6.</summary>
    public const byte Icmpv6 = 58;

    /// <summary>IPv6: nothing follows.</summary>
    public const byte NoNextHeader = 59;

    /// <summary>IPv6 destination options.</summary>
    public const byte DestinationOptions = 60;

    /// <summary>SCTP.</summary>
    public const byte Sctp = 132;
}
