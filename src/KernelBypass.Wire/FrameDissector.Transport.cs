using System.Text;

namespace KernelBypass.Wire;

public static partial class FrameDissector
{
    private static void AppendTransport(StringBuilder text, Segment segment, Endpoints ends, ReadOnlySpan<byte> bytes)
    {
        switch (segment.Protocol)
        {
            case IpProtocols.Tcp when TcpView.TryParse(bytes, out TcpView tcp):
                text.Append(Invariant, $"{ends.Source}.{tcp.SourcePort} > {ends.Destination}.{tcp.DestinationPort}: tcp ");
                AppendTcp(text, segment, tcp);
                break;
            case IpProtocols.Udp when TryUdp(segment, bytes, out UdpView udp, out _):
                text.Append(Invariant, $"{ends.Source}.{udp.SourcePort} > {ends.Destination}.{udp.DestinationPort}: udp ");
                if (segment.Whole && !udp.IsChecksumValid(segment.PseudoSum, allowAbsent: !segment.IsIpv6))
                    text.Append(Invariant, $"(bad checksum 0x{udp.Checksum:x4}) ");
                text.Append(Invariant, $"length {udp.Payload.Length}");
                break;
            case IpProtocols.Icmpv4 when !segment.IsIpv6 && Icmpv4View.TryParse(bytes, out Icmpv4View icmp):
                text.Append(Invariant, $"{ends.Source} > {ends.Destination}: icmp ");
                AppendIcmpv4(text, segment, icmp);
                break;
            case IpProtocols.Icmpv6 when segment.IsIpv6 && Icmpv6View.TryParse(bytes, out Icmpv6View icmpv6):
                text.Append(Invariant, $"{ends.Source} > {ends.Destination}: icmp6 ");
                AppendIcmpv6(text, segment, icmpv6);
                break;
            default:
                text.Append(Invariant, $"{ends.Source} > {ends.Destination}: {ProtocolName(segment.Protocol)} ");
                AppendOther(text, segment, bytes);
                break;
        }
    }

    // The length of a first fragment is that of the whole datagram, that of a quotation counts what was not quoted.
    private static bool TryUdp(Segment segment, ReadOnlySpan<byte> bytes, out UdpView udp, out ParseError error) => segment.Whole
        ? UdpView.TryParse(bytes, out udp, out error)
        : UdpView.TryParseTruncated(bytes, out udp, out error);

    private static void AppendOther(StringBuilder text, Segment segment, ReadOnlySpan<byte> bytes)
    {
        // A quotation holds as little as 8 bytes of the segment (RFC 792), which for TCP is less than a header.
        if (segment.Quoted && segment.Protocol is IpProtocols.Tcp or IpProtocols.Udp && bytes.Length >= 4)
        {
            text.Append(Invariant, $"ports {BigEndian.U16(bytes, 0)} > {BigEndian.U16(bytes, 2)}");
            return;
        }
        ParseError error = ParseError.None;
        _ = segment.Protocol switch
        {
            IpProtocols.Tcp => TcpView.TryParse(bytes, out _, out error),
            IpProtocols.Udp => TryUdp(segment, bytes, out _, out error),
            IpProtocols.Icmpv4 when !segment.IsIpv6 => Icmpv4View.TryParse(bytes, out _, out error),
            IpProtocols.Icmpv6 when segment.IsIpv6 => Icmpv6View.TryParse(bytes, out _, out error),
            _ => true,
        };
        if (error != ParseError.None)
            Malformed(text, error, bytes.Length);
        else
            text.Append(Invariant, $"length {bytes.Length}");
    }

    private static void AppendTcp(StringBuilder text, Segment segment, TcpView tcp)
    {
        AppendFlags(text, tcp.Flags);
        if (segment.Whole && !tcp.IsChecksumValid(segment.PseudoSum))
            text.Append(Invariant, $" (bad checksum 0x{tcp.Checksum:x4})");
        text.Append(Invariant, $" seq {tcp.Sequence}");
        if ((tcp.Flags & TcpFlags.Ack) != 0)
            text.Append(Invariant, $" ack {tcp.Acknowledgement}");
        text.Append(Invariant, $" win {tcp.Window}");
        if ((tcp.Flags & TcpFlags.Urg) != 0)
            text.Append(Invariant, $" urg {tcp.UrgentPointer}");
        AppendTcpOptions(text, tcp.Options);
        text.Append(Invariant, $" length {tcp.Payload.Length}");
    }

    private static void AppendFlags(StringBuilder text, TcpFlags flags)
    {
        const string Letters = "FSRP.UEW"; // tcpdump's letters, low bit first
        text.Append('[');
        for (int bit = 0; bit < Letters.Length; bit++)
        {
            if (((int)flags & (1 << bit)) != 0)
                text.Append(Letters[bit]);
        }
        text.Append(flags == TcpFlags.None ? "none]" : "]");
    }

    private static void AppendTcpOptions(StringBuilder text, TcpOptionIterator options)
    {
        string separator = " [";
        while (options.MoveNext())
        {
            text.Append(separator);
            separator = ", ";
            switch (options.Kind)
            {
                case TcpOptionKind.MaximumSegmentSize:
                    text.Append(Invariant, $"mss {options.MaximumSegmentSize}");
                    break;
                case TcpOptionKind.WindowScale:
                    text.Append(Invariant, $"wscale {options.WindowScale}");
                    break;
                case TcpOptionKind.SackPermitted:
                    text.Append("sackOK");
                    break;
                case TcpOptionKind.Sack:
                    text.Append("sack");
                    for (int i = 0; i < options.SackBlockCount; i++)
                        text.Append(Invariant, $" {options.SackBlock(i).Left}-{options.SackBlock(i).Right}");
                    break;
                case TcpOptionKind.Timestamps:
                    text.Append(Invariant, $"TS val {options.TimestampValue} ecr {options.TimestampEcho}");
                    break;
                case TcpOptionKind.UserTimeout:
                    text.Append(Invariant, $"uto {options.UserTimeoutSeconds} s");
                    break;
                case TcpOptionKind.FastOpen:
                    text.Append(Invariant, $"tfo {Convert.ToHexStringLower(options.Data)}");
                    break;
                case TcpOptionKind.Md5Signature:
                    text.Append("md5");
                    break;
                case TcpOptionKind.Authentication:
                    text.Append(Invariant, $"ao keyid {options.Data[0]} rnext {options.Data[1]}");
                    break;
                default:
                    text.Append(Invariant, $"option {(byte)options.Kind}");
                    break;
            }
        }
        if (options.Error != ParseError.None)
        {
            text.Append(separator).Append(options.Error.Name());
            separator = ", ";
        }
        if (separator == ", ")
            text.Append(']');
    }

    private static void AppendIcmpv4(StringBuilder text, Segment segment, Icmpv4View icmp)
    {
        if (segment.Whole && !icmp.IsChecksumValid)
            text.Append(Invariant, $"(bad checksum 0x{icmp.Checksum:x4}) ");
        switch (icmp.Type)
        {
            case Icmpv4Types.EchoRequest or Icmpv4Types.EchoReply:
                string kind = icmp.Type == Icmpv4Types.EchoRequest ? "echo request" : "echo reply";
                text.Append(Invariant, $"{kind}, id {icmp.Identifier}, seq {icmp.Sequence}, length {icmp.Payload.Length}");
                return;
            case Icmpv4Types.DestinationUnreachable when icmp.Code == 4:
                text.Append(Invariant, $"fragmentation needed, mtu {icmp.NextHopMtu}");
                break;
            case Icmpv4Types.DestinationUnreachable:
                text.Append(Invariant, $"unreachable, code {icmp.Code}");
                break;
            case Icmpv4Types.TimeExceeded:
                text.Append(icmp.Code == 0 ? "ttl exceeded" : "reassembly time exceeded");
                break;
            case Icmpv4Types.Redirect:
                text.Append(Invariant, $"redirect to {AddressText.FormatIpv4(icmp.RestOfHeader)}");
                break;
            default:
                text.Append(Invariant, $"type {icmp.Type}, code {icmp.Code}, length {icmp.Payload.Length}");
                break;
        }

        // One quotation deep: an error about an error must not exist, and crafted nesting must not recurse.
        if (Icmpv4Types.IsError(icmp.Type) && !segment.Quoted)
        {
            AppendIpv4(text.Append(" {"), icmp.Payload, quoted: true);
            text.Append('}');
        }
    }

    private static void AppendIcmpv6(StringBuilder text, Segment segment, Icmpv6View icmp)
    {
        if (segment.Whole && !icmp.IsChecksumValid(segment.PseudoSum))
            text.Append(Invariant, $"(bad checksum 0x{icmp.Checksum:x4}) ");
        switch (icmp.Type)
        {
            case Icmpv6Types.EchoRequest or Icmpv6Types.EchoReply:
                string kind = icmp.Type == Icmpv6Types.EchoRequest ? "echo request" : "echo reply";
                text.Append(Invariant, $"{kind}, id {icmp.Identifier}, seq {icmp.Sequence}, length {icmp.Payload.Length}");
                return;
            case Icmpv6Types.NeighborSolicitation or Icmpv6Types.NeighborAdvertisement or Icmpv6Types.RouterSolicitation
                or Icmpv6Types.RouterAdvertisement:
                AppendNeighborDiscovery(text, icmp.Bytes);
                return;
            case Icmpv6Types.DestinationUnreachable:
                text.Append(Invariant, $"unreachable, code {icmp.Code}");
                break;
            case Icmpv6Types.PacketTooBig:
                text.Append(Invariant, $"packet too big, mtu {icmp.RestOfHeader}");
                break;
            case Icmpv6Types.TimeExceeded:
                text.Append(icmp.Code == 0 ? "hop limit exceeded" : "reassembly time exceeded");
                break;
            default:
                text.Append(Invariant, $"type {icmp.Type}, code {icmp.Code}, length {icmp.Body.Length}");
                break;
        }
        if (icmp.Type <= Icmpv6Types.ParameterProblem && !segment.Quoted)
        {
            AppendIpv6(text.Append(" {"), icmp.Payload, quoted: true);
            text.Append('}');
        }
    }

    private static void AppendNeighborDiscovery(StringBuilder text, ReadOnlySpan<byte> message)
    {
        if (NeighborMessageView.TryParse(message, out NeighborMessageView neighbor, out ParseError error))
        {
            string target = AddressText.FormatIpv6(neighbor.Target);
            if (neighbor.IsAdvertisement)
            {
                text.Append(Invariant, $"neighbor advertisement, {target} is");
                text.Append(neighbor.IsRouter ? " router" : "").Append(neighbor.IsSolicited ? " solicited" : "");
                text.Append(neighbor.IsOverride ? " override" : "");
            }
            else
            {
                text.Append(Invariant, $"neighbor solicitation, who has {target}");
            }
            AppendNdOptions(text, neighbor.Options);
        }
        else if (RouterAdvertisementView.TryParse(message, out RouterAdvertisementView router, out ParseError routerError))
        {
            text.Append(Invariant, $"router advertisement, lifetime {router.RouterLifetimeSeconds} s, ");
            text.Append(Invariant, $"hop limit {router.CurrentHopLimit}");
            AppendNdOptions(text, router.Options);
        }
        else if (RouterSolicitationView.TryParse(message, out RouterSolicitationView solicitation, out _))
        {
            text.Append("router solicitation");
            AppendNdOptions(text, solicitation.Options);
        }
        else
        {
            Malformed(text, error == ParseError.UnexpectedIcmpv6Type ? routerError : error, message.Length);
        }
    }

    private static void AppendNdOptions(StringBuilder text, NdOptionIterator options)
    {
        while (options.MoveNext())
        {
            switch (options.Type)
            {
                case NdOptionType.SourceLinkLayerAddress:
                    text.Append(Invariant, $", source {options.LinkLayerAddress}");
                    break;
                case NdOptionType.TargetLinkLayerAddress:
                    text.Append(Invariant, $", at {options.LinkLayerAddress}");
                    break;
                case NdOptionType.PrefixInformation:
                    text.Append(Invariant, $", prefix {AddressText.FormatIpv6(options.Prefix.Prefix)}/{options.Prefix.Length}");
                    break;
                case NdOptionType.Mtu:
                    text.Append(Invariant, $", mtu {options.Mtu}");
                    break;
                default:
                    text.Append(Invariant, $", option {(byte)options.Type}");
                    break;
            }
        }
        if (options.Error != ParseError.None)
            text.Append(", ").Append(options.Error.Name());
    }
}
