namespace KernelBypass.Wire.Tests;

/// <summary>Frames of every kind that the builder makes, by name, and seeded random bytes.</summary>
internal static class Samples
{
    internal const string MacA = "02:00:00:00:00:0a";
    internal const string MacB = "02:00:00:00:00:0b";

    private static readonly MacAddress s_macA = MacAddress.Parse(MacA);

    internal static FrameBuilder Frame() => FrameBuilder.Ethernet(MacB, MacA);

    internal static IEnumerable<(string Name, byte[] Frame)> All()
    {
        foreach ((string tags, Func<FrameBuilder> start) in Starts())
        {
            foreach ((string name, FrameBuilder builder) in Ipv4Frames(start).Concat(Ipv6Frames(start)))
                yield return ($"{tags}/{name}", builder.Build());
        }
        yield return ("arp request", Frame().Arp(Arp(ArpView.Request)).PadTo().Build());
        yield return ("arp reply", Frame().Vlan(7).Arp(Arp(ArpView.Reply)).Build());
        yield return ("experimental", Frame().EtherType(0x88B5).Payload("test").Build());
    }

    internal static ArpMessage Arp(ushort operation) => new(operation, s_macA, 0x0A000001, MacAddress.Zero, 0x0A000002);

    internal static byte[] Options(params TcpOptionKind[] kinds)
    {
        var writer = new TcpOptionWriter(new byte[40]);
        foreach (TcpOptionKind kind in kinds)
        {
            switch (kind)
            {
                case TcpOptionKind.NoOperation: writer.NoOperation(); break;
                case TcpOptionKind.MaximumSegmentSize: writer.MaximumSegmentSize(1460); break;
                case TcpOptionKind.WindowScale: writer.WindowScale(7); break;
                case TcpOptionKind.SackPermitted: writer.SackPermitted(); break;
                case TcpOptionKind.Sack: writer.Sack([new SackBlock(100, 200), new SackBlock(300, 400)]); break;
                case TcpOptionKind.Timestamps: writer.Timestamps(0x01020304, 0x05060708); break;
                case TcpOptionKind.UserTimeout: writer.UserTimeout(300); break;
                case TcpOptionKind.FastOpen: writer.FastOpen([1, 2, 3, 4, 5, 6, 7, 8]); break;
                case TcpOptionKind.Md5Signature: writer.Raw(kind, new byte[16]); break;
                case TcpOptionKind.Authentication: writer.Raw(kind, [1, 2, 9, 9, 9, 9]); break;
                default: throw new ArgumentOutOfRangeException(nameof(kinds), kind, "no sample for this kind");
            }
        }
        return writer.Written.ToArray();
    }

    internal static byte[] RandomBytes(Random random, int maxLength)
    {
        byte[] bytes = new byte[random.Next(maxLength + 1)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static IEnumerable<(string, Func<FrameBuilder>)> Starts()
    {
        yield return ("plain", Frame);
        yield return ("vlan", () => Frame().Vlan(100, priority: 5));
        yield return ("qinq", () => Frame().Vlan(200, tpid: EtherTypes.QinQ, dropEligible: true).Vlan(100));
        yield return ("legacy qinq", () => Frame().Vlan(200, tpid: EtherTypes.LegacyQinQ).Vlan(4094, priority: 7));
    }

    private static IEnumerable<(string, FrameBuilder)> Ipv4Frames(Func<FrameBuilder> start)
    {
        FrameBuilder Ip() => start().Ipv4("10.0.0.1", "10.0.0.2");
        var header = new Ipv4Header
        {
            Source = 0x0A000001,
            Destination = 0x0A000002,
            Dscp = 46,
            Ecn = 1,
            Identification = 0x1234,
        };
        yield return ("ipv4 udp", Ip().Udp(1000, 61000).Payload("hello"));
        yield return ("ipv4 udp empty padded", Ip().Udp(1000, 61000).PadTo());
        yield return ("ipv4 udp no checksum", Ip().Udp(1000, 61000, checksum: false).PayloadLength(9));
        yield return ("ipv4 tcp syn", Ip().Tcp(
            new TcpHeader
            {
                SourcePort = 40000,
                DestinationPort = 80,
                Flags = TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr,
                Sequence = 7,
            },
            Options(TcpOptionKind.MaximumSegmentSize, TcpOptionKind.SackPermitted, TcpOptionKind.Timestamps,
                TcpOptionKind.NoOperation, TcpOptionKind.WindowScale)));
        yield return ("ipv4 tcp sack", Ip().Tcp(
            new TcpHeader { SourcePort = 40000, DestinationPort = 80, Flags = TcpFlags.Ack, Acknowledgement = 99 },
            Options(TcpOptionKind.Sack)).PayloadLength(33));
        yield return ("ipv4 tcp fast open", Ip().Tcp(
            new TcpHeader { SourcePort = 40000, DestinationPort = 443, Flags = TcpFlags.Syn },
            Options(TcpOptionKind.FastOpen, TcpOptionKind.UserTimeout)).Payload("GET /"));
        yield return ("ipv4 tcp md5", Ip().Tcp(
            new TcpHeader { SourcePort = 179, DestinationPort = 179, Flags = TcpFlags.Ack | TcpFlags.Psh },
            Options(TcpOptionKind.Md5Signature)));
        yield return ("ipv4 tcp ao", Ip().Tcp(
            new TcpHeader { SourcePort = 179, DestinationPort = 179, Flags = TcpFlags.Ack | TcpFlags.Fin },
            Options(TcpOptionKind.Authentication)));
        yield return ("ipv4 tcp large", Ip().Tcp(61000, 61001).PayloadLength(1460));
        yield return ("ipv4 options", start().Ipv4(header, [148, 4, 0, 0]).Udp(1, 2).PayloadLength(3));
        yield return ("ipv4 first fragment", start().Ipv4(header with { MoreFragments = true })
            .Icmpv4(IcmpHeader.Echo(8, 1, 2)).PayloadLength(16));
        yield return ("ipv4 last fragment", start().Ipv4(header with { FragmentOffset = 24, Protocol = 17 }).PayloadLength(5));
        yield return ("ipv4 echo", Ip().Icmpv4(IcmpHeader.Echo(Icmpv4Types.EchoRequest, 77, 3)).PayloadLength(56));
        yield return ("ipv4 frag needed", Ip().Icmpv4(new IcmpHeader(3, 4, 1400)).Payload(
            Frame().Ipv4("10.0.0.2", "10.0.0.1").Udp(9, 10).PayloadLength(8).Build().AsSpan(14, 28)));
        yield return ("ipv4 experimental", start().Ipv4(header with { Protocol = 253 }).PayloadLength(20));
    }

    private static IEnumerable<(string, FrameBuilder)> Ipv6Frames(Func<FrameBuilder> start)
    {
        FrameBuilder Ip() => start().Ipv6("2001:db8::1", "2001:db8::2");
        FrameBuilder Link() => start().Ipv6("fe80::1", "ff02::1:ff00:2", hopLimit: 255);
        UInt128 target = AddressText.ParseIpv6("fe80::2");
        var prefix = new NdPrefix
        {
            Length = 64,
            OnLink = true,
            Autonomous = true,
            ValidLifetimeSeconds = 86400,
            Prefix = target,
        };
        yield return ("ipv6 udp", Ip().Udp(1000, 61000).Payload("hello"));
        yield return ("ipv6 tcp", Ip().Tcp(1, 2, TcpFlags.Ack | TcpFlags.Psh).PayloadLength(101));
        yield return ("ipv6 hop-by-hop", Ip().Ipv6Extension(IpProtocols.HopByHop, [5, 2, 0, 0, 1, 0]).Udp(3, 4).PayloadLength(2));
        yield return ("ipv6 fragment", Ip().Ipv6Fragment(0, more: true, id: 0xCAFE).Udp(3, 4).PayloadLength(8));
        yield return ("ipv6 chain", Ip().Ipv6Extension(IpProtocols.HopByHop, [])
            .Ipv6Extension(IpProtocols.DestinationOptions, [1, 4, 0, 0, 0, 0])
            .Ipv6Fragment(0, more: false, id: 1).Tcp(5, 6).PayloadLength(4));
        yield return ("ipv6 ah", Ip().Ipv6Extension(IpProtocols.Authentication, new byte[14]).Udp(3, 4).PayloadLength(2));
        yield return ("ipv6 nothing", Ip().PayloadLength(5));
        yield return ("ipv6 echo", Ip().Icmpv6(IcmpHeader.Echo(Icmpv6Types.EchoRequest, 5, 6)).PayloadLength(40));
        yield return ("ipv6 ns", Link().NeighborSolicitation(target, s_macA));
        yield return ("ipv6 na", Link().NeighborAdvertisement(target, s_macA, router: true));
        yield return ("ipv6 rs", Link().RouterSolicitation(s_macA));
        yield return ("ipv6 ra", Link().RouterAdvertisement(64, 1800, s_macA, 1500, prefix));
    }
}
