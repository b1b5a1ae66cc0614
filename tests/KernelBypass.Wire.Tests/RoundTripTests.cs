using FsCheck;
using FsCheck.Fluent;

namespace KernelBypass.Wire.Tests;

/// <summary>What is emitted parses to the same value, and every setter changes just its own field.</summary>
public class RoundTripTests
{
    [Fact]
    public void Ethernet_and_arp() => Prop.ForAll<ulong, ulong, ushort>((a, b, type) =>
    {
        byte[] bytes = new byte[28];
        var header = new EthernetHeader(new MacAddress(a), new MacAddress(b), type);
        bool same = header.Emit(bytes) == 14
            && EthernetView.TryParse(bytes, out EthernetView view) && EthernetHeader.From(view) == header;
        var arp = new ArpMessage(type, header.Source, (uint)a, header.Destination, (uint)b);
        arp.Emit(bytes);
        return same && ArpView.TryParse(bytes, out ArpView arpView) && ArpMessage.From(arpView) == arp;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Vlan_tags() => Prop.ForAll<ushort, byte, bool>((id, priority, dei) =>
    {
        byte[] frame = Samples.Frame().Vlan(id, priority, dei, EtherTypes.QinQ).Vlan(5).EtherType(0x1234).Build();
        return VlanStack.TryParse(frame, out VlanStack stack, out _) && stack.Count == 2 && stack.EtherType == 0x1234
            && stack[0] == new VlanTag(EtherTypes.QinQ, id, priority, dei) && stack[1].Id == 5
            && stack.PayloadOffset == frame.Length
            && stack[0].Id == (id & 0xFFF) && stack[0].Priority == (priority & 7) && stack[0].DropEligible == dei;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Ipv4() => Prop.ForAll<uint, ushort, byte>((address, word, small) =>
    {
        var header = new Ipv4Header
        {
            Source = address,
            Destination = ~address,
            Protocol = small,
            Ttl = (byte)word,
            Dscp = (byte)(word & 63),
            Ecn = (byte)(small & 3),
            Identification = word,
            DontFragment = (small & 4) != 0,
            MoreFragments = (small & 8) != 0,
            FragmentOffset = (word & 0x1FFF) * 8,
        };
        byte[] options = new byte[small % 41];
        byte[] bytes = new byte[100];
        int length = header.Emit(bytes, 100 - 20 - ((options.Length + 3) & ~3), options);
        return Ipv4View.TryParse(bytes, out Ipv4View view) && Ipv4Header.From(view) == header && view.HeaderLength == length
            && view.TotalLength == 100 && view.IsChecksumValid && view.Payload.Length == 100 - length
            && view.IsFragment == (header.MoreFragments || header.FragmentOffset > 0);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Ipv6() => Prop.ForAll<ulong, uint, byte>((address, word, small) =>
    {
        var header = new Ipv6Header
        {
            Source = new UInt128(address, word),
            Destination = new UInt128(word, address),
            NextHeader = small,
            HopLimit = (byte)word,
            Dscp = (byte)(word >> 8 & 63),
            Ecn = (byte)(small & 3),
            FlowLabel = word & 0xF_FFFF,
        };
        byte[] bytes = new byte[60];
        header.Emit(bytes, 20);
        return Ipv6View.TryParse(bytes, out Ipv6View view) && Ipv6Header.From(view) == header && view.Payload.Length == 20;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Tcp() => Prop.ForAll<uint, ushort, byte>((number, word, flags) =>
    {
        var header = new TcpHeader
        {
            SourcePort = word,
            DestinationPort = (ushort)~word,
            Sequence = number,
            Acknowledgement = ~number,
            Flags = (TcpFlags)flags,
            Window = word,
            UrgentPointer = (ushort)number,
        };
        byte[] bytes = new byte[80];
        int length = header.Emit(bytes, new byte[flags % 41]);
        return TcpView.TryParse(bytes, out TcpView view) && TcpHeader.From(view) == header && view.HeaderLength == length
            && view.Payload.Length == 80 - length;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Tcp_options()
    {
        TcpOptionKind[] all =
        [
            TcpOptionKind.MaximumSegmentSize, TcpOptionKind.NoOperation, TcpOptionKind.WindowScale, TcpOptionKind.SackPermitted,
            TcpOptionKind.Timestamps, TcpOptionKind.Sack,
        ];
        var options = new TcpOptionIterator(Samples.Options(all));
        Assert.True(options.MoveNext());
        Assert.Equal((TcpOptionKind.MaximumSegmentSize, 1460), (options.Kind, options.MaximumSegmentSize));
        Assert.Equal(0, options.WindowScale);
        Assert.True(options.MoveNext());
        Assert.Equal((TcpOptionKind.WindowScale, 7), (options.Kind, options.WindowScale));
        Assert.True(options.MoveNext());
        Assert.Equal(TcpOptionKind.SackPermitted, options.Kind);
        Assert.True(options.MoveNext());
        Assert.Equal((0x01020304u, 0x05060708u), (options.TimestampValue, options.TimestampEcho));
        Assert.True(options.MoveNext());
        Assert.Equal(2, options.SackBlockCount);
        Assert.Equal(new SackBlock(300, 400), options.SackBlock(1));
        Assert.False(options.MoveNext());
        Assert.Equal(ParseError.None, options.Error);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(300, 300)]
    [InlineData(32_767, 32_767)]
    [InlineData(36_000, 36_000)]
    public void User_timeout_in_seconds_or_minutes(int seconds, int expected)
    {
        var writer = new TcpOptionWriter(new byte[40]);
        writer.UserTimeout(seconds);
        var options = new TcpOptionIterator(writer.Written);
        Assert.True(options.MoveNext());
        Assert.Equal(expected, options.UserTimeoutSeconds);
    }

    [Fact]
    public void Extension_headers_are_walked_in_their_order()
    {
        byte[] packet = Samples.Frame().Ipv6("::1", "::2").Ipv6Extension(IpProtocols.HopByHop, [5, 2, 0, 0])
            .Ipv6Extension(IpProtocols.Routing, new byte[20]).Ipv6Fragment(0, more: false, id: 9)
            .Ipv6Extension(IpProtocols.Authentication, new byte[14]).Ipv6Extension(IpProtocols.DestinationOptions, [])
            .Tcp(1, 2).Build()[14..];
        Assert.True(Ipv6View.TryParse(packet, out Ipv6View view));
        var headers = new Ipv6ExtensionIterator(view);
        var seen = new List<(int, int)>();
        while (headers.MoveNext())
            seen.Add((headers.Type, headers.Bytes.Length));
        Assert.Equal([(0, 8), (43, 24), (44, 8), (51, 16), (60, 8)], seen);
        Assert.True(Ipv6Extensions.TryWalk(view, out Ipv6Extensions walk, out _));
        Assert.Equal((IpProtocols.Tcp, 40 + 64, 5, true, false, 9u),
            (walk.Protocol, walk.PayloadOffset, walk.Count, walk.HasFragmentHeader, walk.IsFragment, walk.FragmentId));
    }

    [Fact]
    public void Too_much_is_refused()
    {
        Assert.Throws<ArgumentException>(() => new TcpHeader().Emit(new byte[80], new byte[41]));
        Assert.Throws<ArgumentException>(() => new Ipv4Header().Emit(new byte[80], 0, new byte[41]));
        Assert.Throws<ArgumentException>(() => new Ipv4Header().Emit(new byte[80], 65_516));
        Assert.Throws<ArgumentException>(() => new Ipv6Header().Emit(new byte[80], 65_536));
        Assert.Throws<ArgumentException>(() => default(UdpHeader).Emit(new byte[80], 65_528));
        Assert.Throws<InvalidOperationException>(() => Samples.Frame().Udp(1, 2).Build());
        Assert.Throws<ArgumentException>(() => Samples.Frame().Ipv6Extension(IpProtocols.Tcp, []));
    }

    [Fact]
    public void Setters_change_their_own_field_alone()
    {
        byte[] frame = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Tcp(1, 2).PayloadLength(10).Build();
        Assert.True(MutableEthernetView.TryParse(frame, out MutableEthernetView ethernet));
        ethernet.SetSource(MacAddress.Broadcast);
        ethernet.SetDestination(MacAddress.Zero);
        ethernet.SetEtherType(0x1234);
        Assert.True(MutableIpv4View.TryParse(ethernet.Payload, out MutableIpv4View ip));
        Ipv4Header before = Ipv4Header.From(ip.View);
        ip.SetDscp(63);
        ip.SetEcn(2);
        ip.SetTtl(9);
        ip.SetIdentification(77);
        ip.SetSource(1);
        ip.SetDestination(2);
        ip.FillChecksum();
        Ipv4Header after = before with { Dscp = 63, Ecn = 2, Ttl = 9, Identification = 77, Source = 1, Destination = 2 };
        Assert.Equal(after, Ipv4Header.From(ip.View));
        Assert.True(ip.View.IsChecksumValid);
        Assert.True(MutableTcpView.TryParse(ip.Payload, out MutableTcpView tcp));
        tcp.SetSourcePort(10);
        tcp.SetDestinationPort(11);
        tcp.SetSequence(12);
        tcp.SetAcknowledgement(13);
        tcp.SetFlags(TcpFlags.Rst);
        tcp.SetWindow(14);
        tcp.FillChecksum(ip.View.PseudoHeaderSum);
        Assert.True(TcpView.TryParse(ip.Payload, out TcpView read));
        Assert.True(read.IsChecksumValid(ip.View.PseudoHeaderSum));
        var expected = new TcpHeader
        {
            SourcePort = 10,
            DestinationPort = 11,
            Sequence = 12,
            Acknowledgement = 13,
            Flags = TcpFlags.Rst,
            Window = 14,
        };
        Assert.Equal(expected, TcpHeader.From(read));
        Assert.Equal(10, tcp.Payload.Length);
    }

    [Fact]
    public void Ipv6_udp_icmp_and_arp_setters()
    {
        byte[] frame = Samples.Frame().Ipv6("::1", "::2").Udp(1, 2).PayloadLength(3).Build();
        Assert.True(MutableIpv6View.TryParse(frame.AsSpan(14), out MutableIpv6View ip));
        Ipv6Header before = Ipv6Header.From(ip.View);
        ip.SetDscp(63);
        ip.SetEcn(1);
        ip.SetFlowLabel(0xABCDE);
        ip.SetHopLimit(1);
        ip.SetSource(5);
        ip.SetDestination(6);
        Ipv6Header after = before with { Dscp = 63, Ecn = 1, FlowLabel = 0xABCDE, HopLimit = 1, Source = 5, Destination = 6 };
        Assert.Equal(after, Ipv6Header.From(ip.View));
        Assert.True(MutableUdpView.TryParse(ip.Payload, out MutableUdpView udp));
        udp.SetSourcePort(9);
        udp.SetDestinationPort(8);
        uint pseudo = ip.View.PseudoHeaderSum(IpProtocols.Udp, 11);
        udp.FillChecksum(pseudo);
        Assert.True(UdpView.TryParse(ip.Payload, out UdpView read));
        Assert.Equal(new UdpHeader(9, 8), UdpHeader.From(read));
        Assert.True(read.IsChecksumValid(pseudo, allowAbsent: false));

        byte[] message = new byte[12];
        Assert.True(MutableIcmpv4View.TryParse(message, out MutableIcmpv4View icmp));
        icmp.SetType(8);
        icmp.SetCode(1);
        icmp.SetRestOfHeader(0x12345678);
        icmp.FillChecksum();
        Assert.True(Icmpv4View.TryParse(message, out Icmpv4View echo));
        Assert.Equal(new IcmpHeader(8, 1, 0x12345678), IcmpHeader.From(echo));
        Assert.True(echo.IsChecksumValid);

        byte[] arp = Samples.Frame().Arp(Samples.Arp(ArpView.Request)).Build()[14..];
        Assert.True(MutableArpView.TryParse(arp, out MutableArpView reply));
        var expected = new ArpMessage(ArpView.Reply, new MacAddress(1), 2, new MacAddress(3), 4);
        reply.SetOperation(expected.Operation);
        reply.SetSenderMac(expected.SenderMac);
        reply.SetSenderIp(expected.SenderIp);
        reply.SetTargetMac(expected.TargetMac);
        reply.SetTargetIp(expected.TargetIp);
        Assert.True(ArpView.TryParse(arp, out ArpView arpView));
        Assert.Equal(expected, ArpMessage.From(arpView));
    }
}
