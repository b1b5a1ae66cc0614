using System.Globalization;
using System.Text;

namespace KernelBypass.Wire;

/// <summary>
/// Renders any frame as one readable line, in the manner of tcpdump:
/// <code>
/// 02:00:00:00:00:01 > 02:00:00:00:00:02, vlan 100 p 3, IPv4 10.0.0.1.1000 > 10.0.0.2.80: tcp [S] seq 1 win 65535
///     [mss 1460, wscale 7] length 0
/// </code>
/// Bad checksums and malformed headers are said where they are met. It never throws, whatever the bytes are.
/// </summary>
public static partial class FrameDissector
{
    /// <summary>One line for a frame that begins with an Ethernet header.</summary>
    public static string Describe(ReadOnlySpan<byte> frame)
    {
        var text = new StringBuilder(160);
        Append(text, frame);
        return text.ToString();
    }

    /// <summary>Appends the line to <paramref name="text"/>, without a line end.</summary>
    public static void Append(StringBuilder text, ReadOnlySpan<byte> frame)
    {
        if (!VlanStack.TryParse(frame, out VlanStack vlans, out ParseError error))
        {
            if (EthernetView.TryParse(frame, out EthernetView head))
                text.Append(Invariant, $"{head.Source} > {head.Destination}, ");
            Malformed(text, error, frame.Length);
            return;
        }
        _ = EthernetView.TryParse(frame, out EthernetView ethernet);
        text.Append(Invariant, $"{ethernet.Source} > {ethernet.Destination}, ");
        for (int i = 0; i < vlans.Count; i++)
        {
            VlanTag tag = vlans[i];
            text.Append(tag.Tpid == EtherTypes.Vlan ? "vlan " : "svlan ").Append(tag.Id);
            text.Append(Invariant, $"{(tag.Priority > 0 ? $" p {tag.Priority}" : "")}{(tag.DropEligible ? " dei" : "")}, ");
        }
        AppendNetwork(text, vlans.EtherType, frame[vlans.PayloadOffset..]);
    }

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    private static void AppendNetwork(StringBuilder text, ushort etherType, ReadOnlySpan<byte> packet)
    {
        switch (etherType)
        {
            case EtherTypes.Arp:
                AppendArp(text, packet);
                break;
            case EtherTypes.Ipv4:
                AppendIpv4(text, packet, quoted: false);
                break;
            case EtherTypes.Ipv6:
                AppendIpv6(text, packet, quoted: false);
                break;
            case < EtherTypes.Minimum:
                text.Append(Invariant, $"802.3 length {etherType}");
                break;
            default:
                text.Append(Invariant, $"ethertype 0x{etherType:x4}, length {packet.Length}");
                break;
        }
    }

    private static void AppendArp(StringBuilder text, ReadOnlySpan<byte> packet)
    {
        if (!ArpView.TryParse(packet, out ArpView arp, out ParseError error))
        {
            Malformed(text.Append("ARP, "), error, packet.Length);
            return;
        }
        string sender = AddressText.FormatIpv4(arp.SenderIp), target = AddressText.FormatIpv4(arp.TargetIp);
        if (arp.Operation == ArpView.Request)
            text.Append(Invariant, $"ARP who-has {target} tell {sender} ({arp.SenderMac})");
        else if (arp.Operation == ArpView.Reply)
            text.Append(Invariant, $"ARP reply {sender} is-at {arp.SenderMac}");
        else
            text.Append(Invariant, $"ARP operation {arp.Operation}, sender {sender}, target {target}");
    }

    private static void AppendIpv4(StringBuilder text, ReadOnlySpan<byte> packet, bool quoted)
    {
        bool ok = quoted
            ? Ipv4View.TryParseTruncated(packet, out Ipv4View ip, out ParseError error)
            : Ipv4View.TryParse(packet, out ip, out error);
        if (!ok)
        {
            Malformed(text.Append("IPv4, "), error, packet.Length);
            return;
        }
        text.Append("IPv4 ");
        if (!ip.IsChecksumValid && !quoted)
            text.Append(Invariant, $"(bad checksum 0x{ip.Checksum:x4}) ");
        if (ip.Ttl <= 1)
            text.Append(Invariant, $"(ttl {ip.Ttl}) ");
        Ipv4OptionIterator options = ip.Options;
        while (options.MoveNext())
            text.Append(Invariant, $"(option {options.Type}) ");
        if (options.Error != ParseError.None)
            text.Append('(').Append(options.Error.Name()).Append(") ");
        var ends = new Endpoints(AddressText.FormatIpv4(ip.Source), AddressText.FormatIpv4(ip.Destination));
        if (ip.FragmentOffset > 0)
        {
            text.Append(Invariant, $"{ends.Source} > {ends.Destination}: {ProtocolName(ip.Protocol)} ");
            AppendFragment(text, ip.Identification, ip.FragmentOffset, ip.MoreFragments);
            text.Append(Invariant, $" length {ip.Payload.Length}");
            return;
        }
        bool whole = !quoted && !ip.IsFragment;
        AppendTransport(text, new Segment(ip.Protocol, ip.PseudoHeaderSum, whole, quoted, IsIpv6: false), ends, ip.Payload);
        if (ip.MoreFragments)
            AppendFragment(text.Append(' '), ip.Identification, 0, more: true);
    }

    private static void AppendIpv6(StringBuilder text, ReadOnlySpan<byte> packet, bool quoted)
    {
        bool ok = quoted
            ? Ipv6View.TryParseTruncated(packet, out Ipv6View ip, out ParseError error)
            : Ipv6View.TryParse(packet, out ip, out error);
        if (!ok)
        {
            Malformed(text.Append("IPv6, "), error, packet.Length);
            return;
        }
        text.Append("IPv6 ");
        if (ip.HopLimit <= 1)
            text.Append(Invariant, $"(hop limit {ip.HopLimit}) ");
        var ends = new Endpoints(AddressText.FormatIpv6(ip.Source), AddressText.FormatIpv6(ip.Destination));
        if (!Ipv6Extensions.TryWalk(ip, out Ipv6Extensions walk, out error))
        {
            text.Append(Invariant, $"{ends.Source} > {ends.Destination}: ");
            Malformed(text, error, packet.Length);
            return;
        }
        var iterator = new Ipv6ExtensionIterator(ip);
        while (iterator.MoveNext())
        {
            if (iterator.Type != IpProtocols.Fragment)
                text.Append(Invariant, $"({ProtocolName(iterator.Type)}) ");
        }
        ReadOnlySpan<byte> payload = ip.Bytes[walk.PayloadOffset..];
        if (walk.FragmentOffset > 0)
        {
            text.Append(Invariant, $"{ends.Source} > {ends.Destination}: {ProtocolName(walk.Protocol)} ");
            AppendFragment(text, walk.FragmentId, walk.FragmentOffset, walk.MoreFragments);
            text.Append(Invariant, $" length {payload.Length}");
            return;
        }
        uint pseudo = ip.PseudoHeaderSum(walk.Protocol, payload.Length);
        bool whole = !quoted && !walk.IsFragment;
        AppendTransport(text, new Segment(walk.Protocol, pseudo, whole, quoted, IsIpv6: true), ends, payload);
        if (walk.HasFragmentHeader)
            AppendFragment(text.Append(' '), walk.FragmentId, 0, walk.MoreFragments);
    }

    private static void AppendFragment(StringBuilder text, uint id, int offset, bool more) =>
        text.Append(Invariant, $"frag (id {id}, offset {offset}{(more ? "+" : "")})");

    private static void Malformed(StringBuilder text, ParseError error, int length) =>
        text.Append(Invariant, $"malformed: {error.Name()}, length {length}");

    private static string ProtocolName(byte protocol) => protocol switch
    {
        IpProtocols.HopByHop => "hop-by-hop",
        IpProtocols.Icmpv4 => "icmp",
        IpProtocols.Igmp => "igmp",
        IpProtocols.Tcp => "tcp",
        IpProtocols.Udp => "udp",
        IpProtocols.Routing => "routing",
        IpProtocols.Fragment => "fragment",
        IpProtocols.Gre => "gre",
        IpProtocols.Esp => "esp",
        IpProtocols.Authentication => "ah",
        IpProtocols.Icmpv6 => "icmp6",
        IpProtocols.NoNextHeader => "no-next-header",
        IpProtocols.DestinationOptions => "destination-options",
        IpProtocols.Sctp => "sctp",
        _ => string.Create(CultureInfo.InvariantCulture, $"proto {protocol}"),
    };

    private readonly record struct Endpoints(string Source, string Destination);

    // Whole: neither fragment nor quotation, so that the checksum covers just these bytes.
    private readonly record struct Segment(byte Protocol, uint PseudoSum, bool Whole, bool Quoted, bool IsIpv6);
}
