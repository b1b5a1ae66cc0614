namespace KernelBypass.Wire.Tests;

/// <summary>Each reason of <see cref="ParseError"/> is reached by a header that is wrong in just that way.</summary>
public class MalformedHeaderTests
{
    private static byte[] Ipv4Packet => Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Udp(1, 2).PayloadLength(8).Build()[14..];

    private static byte[] Ipv6Packet => Samples.Frame().Ipv6("::1", "::2").Udp(1, 2).PayloadLength(8).Build()[14..];

    [Fact]
    public void Names_are_stable_snake_case()
    {
        Assert.Equal("truncated_ethernet", ParseError.TruncatedEthernet.Name());
        Assert.Equal("bad_ihl", ParseError.BadIhl.Name());
        Assert.Equal("ip_total_length", ParseError.IpTotalLength.Name());
        Assert.Equal("unknown", ((ParseError)200).Name());
        Assert.All(Enum.GetValues<ParseError>(), e => Assert.Matches("^[a-z0-9_]+$", e.Name()));
    }

    [Fact]
    public void Ethernet_and_tags()
    {
        Assert.False(EthernetView.TryParse(new byte[13], out _, out ParseError error));
        Assert.Equal(ParseError.TruncatedEthernet, error);
        Assert.True(EthernetView.TryParse(new byte[14], out EthernetView view));
        Assert.True(view.IsLlc);

        byte[] tagged = Samples.Frame().Vlan(1).Vlan(2).Build();
        Assert.True(VlanStack.TryParse(tagged, out VlanStack stack, out _));
        Assert.Equal(2, stack.Count);
        Assert.Equal(ParseError.TruncatedVlan, VlanError(tagged[..^1]));
        Assert.Equal(ParseError.TruncatedVlan, VlanError(tagged[..14]));
        Assert.Equal(ParseError.TruncatedEthernet, VlanError(tagged[..13]));
        Assert.Equal(ParseError.TooManyVlans, VlanError(Samples.Frame().Vlan(1).Vlan(2).Vlan(3).Vlan(4).Vlan(5).Build()));
        Assert.Equal(ParseError.None, VlanError(Samples.Frame().Vlan(1).Vlan(2).Vlan(3).Vlan(4).Build()));
        Assert.Throws<ArgumentOutOfRangeException>(() => stack[2]);
    }

    [Fact]
    public void Arp()
    {
        byte[] arp = Samples.Frame().Arp(Samples.Arp(ArpView.Request)).Build()[14..];
        Assert.True(ArpView.TryParse(arp, out _));
        Assert.False(ArpView.TryParse(arp.AsSpan(0, 27), out _, out ParseError error));
        Assert.Equal(ParseError.TruncatedArp, error);
        for (int i = 0; i < 6; i++)
        {
            byte[] other = [.. arp];
            other[i] ^= 0x10;
            Assert.False(ArpView.TryParse(other, out _, out error));
            Assert.Equal(ParseError.UnsupportedArp, error);
        }
    }

    [Theory]
    [InlineData(0, 0x55, ParseError.BadIpv4Version)]
    [InlineData(0, 0x44, ParseError.BadIhl)]
    [InlineData(0, 0x40, ParseError.BadIhl)]
    [InlineData(0, 0x4F, ParseError.TruncatedIpv4)]
    [InlineData(3, 19, ParseError.IpTotalLength)]
    [InlineData(3, 37, ParseError.IpTotalLength)]
    [InlineData(2, 0xFF, ParseError.IpTotalLength)]
    public void Ipv4(int offset, byte value, ParseError expected)
    {
        byte[] packet = Ipv4Packet;
        Assert.True(Ipv4View.TryParse(packet, out _));
        packet[offset] = value;
        Assert.False(Ipv4View.TryParse(packet, out _, out ParseError error));
        Assert.Equal(expected, error);
        Assert.False(MutableIpv4View.TryParse(packet, out _));
    }

    [Fact]
    public void Ipv4_cut_anywhere()
    {
        byte[] packet = Ipv4Packet;
        for (int length = 0; length < packet.Length; length++)
        {
            Assert.False(Ipv4View.TryParse(packet.AsSpan(0, length), out _, out ParseError error));
            Assert.Equal(length < 20 ? ParseError.TruncatedIpv4 : ParseError.IpTotalLength, error);
            Assert.Equal(length >= 20, Ipv4View.TryParseTruncated(packet.AsSpan(0, length), out _, out _));
        }
    }

    [Theory]
    [InlineData(new byte[] { 7, 1, 0, 0 })]
    [InlineData(new byte[] { 7, 5, 0, 0 })]
    [InlineData(new byte[] { 1, 1, 1, 7 })]
    public void Ipv4_options(byte[] options)
    {
        var iterator = new Ipv4OptionIterator(options);
        Assert.False(iterator.MoveNext());
        Assert.Equal(ParseError.BadIpv4Option, iterator.Error);
        Assert.False(iterator.MoveNext());
    }

    [Fact]
    public void Ipv6()
    {
        byte[] packet = Ipv6Packet;
        Assert.Equal(ParseError.TruncatedIpv6, Ipv6Error(packet[..39]));
        Assert.Equal(ParseError.Ipv6PayloadLength, Ipv6Error(packet[..^1]));
        packet[0] = 0x40;
        Assert.Equal(ParseError.BadIpv6Version, Ipv6Error(packet));
    }

    [Fact]
    public void Ipv6_extension_headers()
    {
        FrameBuilder many = Samples.Frame().Ipv6("::1", "::2");
        for (int i = 0; i < Ipv6Extensions.MaxHeaders; i++)
            many.Ipv6Extension(IpProtocols.DestinationOptions, []);
        Assert.Equal(ParseError.None, WalkError(many.Udp(1, 2).Build()[14..]));
        many.Ipv6Extension(IpProtocols.DestinationOptions, []);
        Assert.Equal(ParseError.TooManyIpv6Extensions, WalkError(many.Build()[14..]));

        byte[] late = Samples.Frame().Ipv6("::1", "::2").Ipv6Extension(IpProtocols.Routing, [])
            .Ipv6Extension(IpProtocols.HopByHop, []).Build()[14..];
        Assert.Equal(ParseError.Ipv6ExtensionOrder, WalkError(late));

        byte[] longer = Samples.Frame().Ipv6("::1", "::2").Ipv6Extension(IpProtocols.HopByHop, []).Build()[14..];
        longer[41] = 1;
        Assert.Equal(ParseError.TruncatedIpv6Extension, WalkError(longer));
        byte[] nothing = Samples.Frame().Ipv6(new Ipv6Header { NextHeader = IpProtocols.Fragment })
            .PayloadLength(7).Build()[14..];
        Assert.Equal(ParseError.TruncatedIpv6Extension, WalkError(nothing));
    }

    [Fact]
    public void Ipv6_options()
    {
        var iterator = new Ipv6OptionIterator([0, 0, 0, 1, 0, 5, 9, 0]);
        Assert.False(iterator.MoveNext());
        Assert.Equal(ParseError.BadIpv6Option, iterator.Error);
        iterator = new Ipv6OptionIterator([0, 0, 0, 1, 0, 5, 1, 7]);
        Assert.True(iterator.MoveNext());
        Assert.Equal(5, iterator.Type);
        Assert.Equal([7], iterator.Data.ToArray());
        Assert.False(iterator.MoveNext());
        Assert.Equal(ParseError.None, iterator.Error);
    }

    [Theory]
    [InlineData(0x40, ParseError.BadTcpDataOffset)]
    [InlineData(0x00, ParseError.BadTcpDataOffset)]
    [InlineData(0x60, ParseError.TruncatedTcp)]
    public void Tcp(byte dataOffset, ParseError expected)
    {
        byte[] segment = new byte[20];
        segment[12] = dataOffset;
        Assert.False(TcpView.TryParse(segment, out _, out ParseError error));
        Assert.Equal(expected, error);
        Assert.False(TcpView.TryParse(segment.AsSpan(1), out _, out error));
        Assert.Equal(ParseError.TruncatedTcp, error);
    }

    [Theory]
    [InlineData(new byte[] { 2, 3, 1 })]
    [InlineData(new byte[] { 2, 4, 1 })]
    [InlineData(new byte[] { 3, 4, 1, 1 })]
    [InlineData(new byte[] { 5, 2 })]
    [InlineData(new byte[] { 5, 9, 1, 1, 1, 1, 1, 1, 1 })]
    [InlineData(new byte[] { 8, 2 })]
    [InlineData(new byte[] { 99, 0 })]
    [InlineData(new byte[] { 99, 1 })]
    [InlineData(new byte[] { 1, 1, 99 })]
    [InlineData(new byte[] { 34, 3, 0 })]
    [InlineData(new byte[] { 29, 3, 0 })]
    public void Tcp_options(byte[] options)
    {
        var iterator = new TcpOptionIterator(options);
        Assert.False(iterator.MoveNext());
        Assert.Equal(ParseError.BadTcpOption, iterator.Error);
        Assert.False(iterator.MoveNext());
    }

    [Fact]
    public void Udp_and_icmp()
    {
        byte[] udp = [0, 1, 0, 2, 0, 8, 0, 0];
        Assert.True(UdpView.TryParse(udp, out _));
        Assert.False(UdpView.TryParse(udp.AsSpan(1), out _, out ParseError error));
        Assert.Equal(ParseError.TruncatedUdp, error);
        foreach (byte length in new byte[] { 0, 7, 9 })
        {
            udp[5] = length;
            Assert.False(UdpView.TryParse(udp, out _, out error));
            Assert.Equal(ParseError.UdpLength, error);
        }
        Assert.False(Icmpv4View.TryParse(new byte[7], out _, out error));
        Assert.Equal(ParseError.TruncatedIcmpv4, error);
        Assert.False(Icmpv6View.TryParse(new byte[3], out _, out error));
        Assert.Equal(ParseError.TruncatedIcmpv6, error);
        Assert.False(Icmpv6View.TryParse([Icmpv6Types.EchoRequest, 0, 0, 0, 0, 0, 0], out _, out error));
        Assert.Equal(ParseError.TruncatedIcmpv6, error);
    }

    [Fact]
    public void Neighbour_discovery()
    {
        Assert.False(NeighborMessageView.TryParse(new byte[23], out _, out ParseError error));
        Assert.Equal(ParseError.TruncatedIcmpv6, error);
        Assert.False(NeighborMessageView.TryParse(new byte[24], out _, out error));
        Assert.Equal(ParseError.UnexpectedIcmpv6Type, error);
        Assert.False(RouterAdvertisementView.TryParse(new byte[15], out _, out error));
        Assert.Equal(ParseError.TruncatedIcmpv6, error);
        Assert.False(RouterSolicitationView.TryParse(new byte[8], out _, out error));
        Assert.Equal(ParseError.UnexpectedIcmpv6Type, error);
        byte[][] options =
            [[1, 0, 0, 0, 0, 0, 0, 0], [1, 2, 0, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0, 0], [3, 1, 0, 0, 0, 0, 0, 0]];
        foreach (byte[] option in options)
        {
            var iterator = new NdOptionIterator(option);
            Assert.False(iterator.MoveNext());
            Assert.Equal(ParseError.BadNdOption, iterator.Error);
            Assert.False(iterator.MoveNext());
        }
    }

    private static ParseError VlanError(byte[] frame)
    {
        _ = VlanStack.TryParse(frame, out _, out ParseError error);
        return error;
    }

    private static ParseError Ipv6Error(byte[] packet)
    {
        _ = Ipv6View.TryParse(packet, out _, out ParseError error);
        return error;
    }

    private static ParseError WalkError(byte[] packet)
    {
        Assert.True(Ipv6View.TryParse(packet, out Ipv6View view));
        _ = Ipv6Extensions.TryWalk(view, out _, out ParseError error);
        return error;
    }
}
