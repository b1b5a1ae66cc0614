namespace KernelBypass.Wire.Tests;

public class FrameDissectorTests
{
    private const string Ends = "02:00:00:00:00:0a > 02:00:00:00:00:0b, ";

    [Theory]
    [InlineData("plain/ipv4 udp", "IPv4 10.0.0.1.1000 > 10.0.0.2.61000: udp length 5")]
    [InlineData("vlan/ipv4 udp", "vlan 100 p 5, IPv4 10.0.0.1.1000 > 10.0.0.2.61000: udp length 5")]
    [InlineData("qinq/ipv4 udp", "svlan 200 dei, vlan 100, IPv4 10.0.0.1.1000 > 10.0.0.2.61000: udp length 5")]
    [InlineData("plain/ipv4 udp no checksum", "IPv4 10.0.0.1.1000 > 10.0.0.2.61000: udp length 9")]
    [InlineData("plain/ipv4 tcp syn", "IPv4 10.0.0.1.40000 > 10.0.0.2.80: tcp [SEW] seq 7 win 65535 "
        + "[mss 1460, sackOK, TS val 16909060 ecr 84281096, wscale 7] length 0")]
    [InlineData("plain/ipv4 tcp sack",
        "IPv4 10.0.0.1.40000 > 10.0.0.2.80: tcp [.] seq 0 ack 99 win 65535 [sack 100-200 300-400] length 33")]
    [InlineData("plain/ipv4 tcp fast open",
        "IPv4 10.0.0.1.40000 > 10.0.0.2.443: tcp [S] seq 0 win 65535 [tfo 0102030405060708, uto 300 s] length 5")]
    [InlineData("plain/ipv4 tcp ao",
        "IPv4 10.0.0.1.179 > 10.0.0.2.179: tcp [F.] seq 0 ack 0 win 65535 [ao keyid 1 rnext 2] length 0")]
    [InlineData("plain/ipv4 options", "IPv4 (option 148) 10.0.0.1.1 > 10.0.0.2.2: udp length 3")]
    [InlineData("plain/ipv4 first fragment",
        "IPv4 10.0.0.1 > 10.0.0.2: icmp echo request, id 1, seq 2, length 16 frag (id 4660, offset 0+)")]
    [InlineData("plain/ipv4 last fragment", "IPv4 10.0.0.1 > 10.0.0.2: udp frag (id 4660, offset 24) length 5")]
    [InlineData("plain/ipv4 frag needed",
        "IPv4 10.0.0.1 > 10.0.0.2: icmp fragmentation needed, mtu 1400 {IPv4 10.0.0.2.9 > 10.0.0.1.10: udp length 0}")]
    [InlineData("plain/ipv6 tcp", "IPv6 2001:db8::1.1 > 2001:db8::2.2: tcp [P.] seq 1 ack 0 win 65535 length 101")]
    [InlineData("plain/ipv6 hop-by-hop", "IPv6 (hop-by-hop) 2001:db8::1.3 > 2001:db8::2.4: udp length 2")]
    [InlineData("plain/ipv6 echo", "IPv6 2001:db8::1 > 2001:db8::2: icmp6 echo request, id 5, seq 6, length 40")]
    [InlineData("plain/ipv6 ns",
        "IPv6 fe80::1 > ff02::1:ff00:2: icmp6 neighbor solicitation, who has fe80::2, source 02:00:00:00:00:0a")]
    [InlineData("plain/ipv6 na",
        "IPv6 fe80::1 > ff02::1:ff00:2: icmp6 neighbor advertisement, fe80::2 is router solicited override, "
        + "at 02:00:00:00:00:0a")]
    [InlineData("plain/ipv6 ra", "IPv6 fe80::1 > ff02::1:ff00:2: icmp6 router advertisement, lifetime 1800 s, hop limit 64, "
        + "source 02:00:00:00:00:0a, mtu 1500, prefix fe80::2/64")]
    [InlineData("arp request", "ARP who-has 10.0.0.2 tell 10.0.0.1 (02:00:00:00:00:0a)")]
    [InlineData("arp reply", "vlan 7, ARP reply 10.0.0.1 is-at 02:00:00:00:00:0a")]
    [InlineData("experimental", "ethertype 0x88b5, length 4")]
    public void A_frame_reads_as_one_line(string sample, string expected) =>
        Assert.Equal(Ends + expected, FrameDissector.Describe(Samples.All().Single(s => s.Name == sample).Frame));

    [Fact]
    public void No_sound_frame_is_called_malformed_or_bad()
    {
        foreach ((string name, byte[] frame) in Samples.All())
        {
            string line = FrameDissector.Describe(frame);
            Assert.True(!line.Contains("malformed", StringComparison.Ordinal) && !line.Contains("bad", StringComparison.Ordinal),
                $"{name}: {line}");
        }
    }

    [Fact]
    public void A_first_fragment_of_a_longer_datagram_is_sound()
    {
        byte[] whole = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Udp(1, 2).PayloadLength(24).Build();
        var header = new Ipv4Header { Source = 1, Destination = 2, Protocol = IpProtocols.Udp, MoreFragments = true };
        byte[] first = Samples.Frame().Ipv4(header).Payload(whole.AsSpan(34, 16)).Build();
        Assert.EndsWith("0.0.0.1.1 > 0.0.0.2.2: udp length 8 frag (id 0, offset 0+)", FrameDissector.Describe(first),
            StringComparison.Ordinal);
        Assert.False(UdpView.TryParse(first.AsSpan(34), out _, out ParseError error));
        Assert.Equal(ParseError.UdpLength, error);
        Assert.True(UdpView.TryParseTruncated(first.AsSpan(34), out UdpView view, out _));
        Assert.Equal((32, 8), (view.Length, view.Payload.Length));
    }

    [Fact]
    public void A_quotation_of_eight_bytes_shows_the_ports()
    {
        byte[] quoted = Samples.Frame().Ipv4("10.0.0.2", "10.0.0.1").Tcp(9, 10).Build();
        byte[] frame = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Icmpv4(new IcmpHeader(11, 0, 0))
            .Payload(quoted.AsSpan(14, 28)).Build();
        Assert.EndsWith("icmp ttl exceeded {IPv4 10.0.0.2 > 10.0.0.1: tcp ports 9 > 10}", FrameDissector.Describe(frame),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_changed_byte_shows_as_a_bad_checksum()
    {
        byte[] frame = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Udp(1, 2).Payload("x").Build();
        frame[^1] ^= 1;
        Assert.Contains("udp (bad checksum 0x", FrameDissector.Describe(frame), StringComparison.Ordinal);
        frame[22]--;
        Assert.Contains("IPv4 (bad checksum 0x", FrameDissector.Describe(frame), StringComparison.Ordinal);
    }

    [Fact]
    public void A_malformed_layer_is_named_by_its_reason()
    {
        Assert.Equal("malformed: truncated_ethernet, length 5", FrameDissector.Describe(new byte[5]));
        byte[] frame = Samples.Frame().Ipv4("10.0.0.1", "10.0.0.2").Tcp(1, 2).Build();
        Assert.EndsWith("IPv4, malformed: ip_total_length, length 39",
            FrameDissector.Describe(frame.AsSpan(0, 53)), StringComparison.Ordinal);
        frame[46] = 0x40;
        Assert.EndsWith("tcp malformed: bad_tcp_data_offset, length 20",
            FrameDissector.Describe(frame), StringComparison.Ordinal);
        frame[14] = 0x41;
        Assert.EndsWith("IPv4, malformed: bad_ihl, length 40", FrameDissector.Describe(frame), StringComparison.Ordinal);
    }
}
