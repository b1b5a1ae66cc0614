using System.Globalization;

namespace KernelBypass.Wire.Tests;

/// <summary>
/// What our views see in a frame, in the same words as Scapy/scapy_peer.py; and whether every checksum is right.
/// </summary>
internal sealed class PacketFields
{
    internal SortedDictionary<string, string> Fields { get; } = new(StringComparer.Ordinal);

    internal bool ChecksumsValid { get; private set; } = true;

    internal static PacketFields Of(ReadOnlySpan<byte> frame)
    {
        var result = new PacketFields();
        Assert.True(VlanStack.TryParse(frame, out VlanStack tags, out ParseError error), error.Name());
        Assert.True(EthernetView.TryParse(frame, out EthernetView ethernet));
        var texts = new List<string>();
        for (int i = 0; i < tags.Count; i++)
            texts.Add(Text($"{tags[i].Tpid:x}:{tags[i].Id}:{tags[i].Priority}:{(tags[i].DropEligible ? 1 : 0)}"));
        result.Fields["ethernet"] = Text($"{ethernet.Source} {ethernet.Destination} {tags.EtherType:x}");
        result.Fields["vlans"] = string.Join(' ', texts);
        ReadOnlySpan<byte> packet = frame[tags.PayloadOffset..];
        switch (tags.EtherType)
        {
            case EtherTypes.Arp: result.Arp(packet); break;
            case EtherTypes.Ipv4: result.Ipv4(packet); break;
            case EtherTypes.Ipv6: result.Ipv6(packet); break;
        }
        return result;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private void Arp(ReadOnlySpan<byte> packet)
    {
        Assert.True(ArpView.TryParse(packet, out ArpView a, out ParseError error), error.Name());
        string sender = AddressText.FormatIpv4(a.SenderIp), target = AddressText.FormatIpv4(a.TargetIp);
        Fields["arp"] = Text($"{a.Operation} {a.SenderMac} {sender} {a.TargetMac} {target}");
    }

    private void Ipv4(ReadOnlySpan<byte> packet)
    {
        Assert.True(Ipv4View.TryParse(packet, out Ipv4View ip, out ParseError error), error.Name());
        string ends = $"{AddressText.FormatIpv4(ip.Source)} {AddressText.FormatIpv4(ip.Destination)}";
        int flags = (ip.DontFragment ? 2 : 0) | (ip.MoreFragments ? 1 : 0), tos = (ip.Dscp << 2) | ip.Ecn;
        Fields["ipv4"] = Text($"{ends} {ip.Ttl} {tos} {ip.Identification} {flags} {ip.FragmentOffset / 8} ")
            + Text($"{ip.Protocol} {ip.HeaderLength / 4} {ip.TotalLength} {ip.Checksum}");
        ChecksumsValid &= ip.IsChecksumValid;
        if (ip.FragmentOffset == 0)
            Upper(ip.Protocol, ip.PseudoHeaderSum, ip.Payload, ipv6: false);
    }

    private void Ipv6(ReadOnlySpan<byte> packet)
    {
        Assert.True(Ipv6View.TryParse(packet, out Ipv6View ip, out ParseError error), error.Name());
        string ends = $"{AddressText.FormatIpv6(ip.Source)} {AddressText.FormatIpv6(ip.Destination)}";
        Fields["ipv6"] = Text($"{ends} {ip.HopLimit} {(ip.Dscp << 2) | ip.Ecn} {ip.FlowLabel} ")
            + Text($"{ip.PayloadLength} {ip.NextHeader}");
        Assert.True(Ipv6Extensions.TryWalk(ip, out Ipv6Extensions walk, out error), error.Name());
        var headers = new Ipv6ExtensionIterator(ip);
        var texts = new List<string>();
        while (headers.MoveNext())
        {
            texts.Add(headers.Type == IpProtocols.Fragment
                ? Text($"44:{walk.FragmentOffset / 8}:{(walk.MoreFragments ? 1 : 0)}:{walk.FragmentId}")
                : Text($"{headers.Type}"));
        }
        Fields["extensions"] = string.Join(' ', texts);
        ReadOnlySpan<byte> segment = ip.Bytes[walk.PayloadOffset..];
        if (walk.FragmentOffset == 0)
            Upper(walk.Protocol, ip.PseudoHeaderSum(walk.Protocol, segment.Length), segment, ipv6: true);
    }

    private void Upper(byte protocol, uint pseudo, ReadOnlySpan<byte> segment, bool ipv6)
    {
        switch (protocol)
        {
            case IpProtocols.Tcp:
                Assert.True(TcpView.TryParse(segment, out TcpView tcp, out ParseError error), error.Name());
                ChecksumsValid &= tcp.IsChecksumValid(pseudo);
                Fields["tcp"] = Text($"{tcp.SourcePort} {tcp.DestinationPort} {tcp.Sequence} {tcp.Acknowledgement} ")
                    + Text($"{(int)tcp.Flags} {tcp.Window} {tcp.HeaderLength / 4} {tcp.UrgentPointer}");
                Fields["tcp.options"] = TcpOptions(tcp.Options);
                break;
            case IpProtocols.Udp:
                Assert.True(UdpView.TryParse(segment, out UdpView udp, out error), error.Name());
                ChecksumsValid &= udp.IsChecksumValid(pseudo, allowAbsent: !ipv6);
                Fields["udp"] = Text($"{udp.SourcePort} {udp.DestinationPort} {udp.Length} {udp.Checksum}");
                break;
            case IpProtocols.Icmpv4:
                Assert.True(Icmpv4View.TryParse(segment, out Icmpv4View icmp, out error), error.Name());
                ChecksumsValid &= icmp.IsChecksumValid;
                Fields["icmp"] = Text($"{icmp.Type} {icmp.Code} {icmp.Checksum}")
                    + (icmp.Type is 0 or 8 ? Text($" {icmp.Identifier} {icmp.Sequence}") : "");
                break;
            case IpProtocols.Icmpv6:
                Assert.True(Icmpv6View.TryParse(segment, out Icmpv6View icmpv6, out error), error.Name());
                ChecksumsValid &= icmpv6.IsChecksumValid(pseudo);
                Icmpv6(icmpv6);
                break;
        }
    }

    private void Icmpv6(Icmpv6View icmp)
    {
        string text = Text($"{icmp.Type} {icmp.Code} {icmp.Checksum}");
        if (icmp.Type is Icmpv6Types.EchoRequest or Icmpv6Types.EchoReply)
            text += Text($" {icmp.Identifier} {icmp.Sequence}");
        string options = "";
        if (NeighborMessageView.TryParse(icmp.Bytes, out NeighborMessageView neighbor, out _))
        {
            text += " " + AddressText.FormatIpv6(neighbor.Target);
            options = NdOptions(neighbor.Options);
        }
        else if (RouterAdvertisementView.TryParse(icmp.Bytes, out RouterAdvertisementView router, out _))
        {
            options = NdOptions(router.Options);
        }
        else if (RouterSolicitationView.TryParse(icmp.Bytes, out RouterSolicitationView solicitation, out _))
        {
            options = NdOptions(solicitation.Options);
        }
        Fields["icmp6"] = text;
        Fields["nd"] = options;
    }

    private static string TcpOptions(TcpOptionIterator options)
    {
        var texts = new List<string>();
        while (options.MoveNext())
        {
            switch (options.Kind)
            {
                case TcpOptionKind.MaximumSegmentSize: texts.Add(Text($"mss {options.MaximumSegmentSize}")); break;
                case TcpOptionKind.WindowScale: texts.Add(Text($"wscale {options.WindowScale}")); break;
                case TcpOptionKind.SackPermitted: texts.Add("sackOK"); break;
                case TcpOptionKind.Timestamps: texts.Add(Text($"ts {options.TimestampValue} {options.TimestampEcho}")); break;
                case TcpOptionKind.Sack:
                    string blocks = "";
                    for (int i = 0; i < options.SackBlockCount; i++)
                        blocks += Text($" {options.SackBlock(i).Left} {options.SackBlock(i).Right}");
                    texts.Add("sack" + blocks);
                    break;
            }
        }
        Assert.Equal(ParseError.None, options.Error);
        return string.Join(", ", texts);
    }

    private static string NdOptions(NdOptionIterator options)
    {
        var texts = new List<string>();
        while (options.MoveNext())
        {
            NdPrefix p = options.Prefix;
            string prefix = Text($"{AddressText.FormatIpv6(p.Prefix)}/{p.Length} {(p.OnLink ? 1 : 0)} {(p.Autonomous ? 1 : 0)}");
            texts.Add(options.Type switch
            {
                NdOptionType.Mtu => Text($"5 {options.Mtu}"),
                NdOptionType.PrefixInformation => Text($"3 {prefix} {p.ValidLifetimeSeconds}"),
                _ => Text($"{(int)options.Type} {options.LinkLayerAddress}"),
            });
        }
        Assert.Equal(ParseError.None, options.Error);
        return string.Join(", ", texts);
    }
}
