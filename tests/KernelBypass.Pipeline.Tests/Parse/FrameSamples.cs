using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Parse;

/// <summary>Well-formed frames of every kind that the parser knows, and their mutants.</summary>
internal static class FrameSamples
{
    private const string Dst = "02:00:00:00:00:02";
    private const string Src = "02:00:00:00:00:01";

    internal static byte[][] All { get; } = [.. Build()];

    /// <summary>A sample with some bytes changed, cut, or both. The same for the same seed.</summary>
    internal static byte[] Mutant(int seed)
    {
        var random = new Random(seed);
        byte[] frame = [.. All[random.Next(All.Length)]];
        for (var changes = random.Next(4); changes > 0; changes--)
        {
            // Mostly in the headers, and mostly to values that mean something there.
            var at = random.Next(random.Next(3) == 0 ? frame.Length : Math.Min(frame.Length, 80));
            ReadOnlySpan<byte> telling = [0, 1, 2, 4, 5, 6, 8, 17, 43, 44, 50, 51, 58, 59, 60, 0x45, 0x46, 0x60, 0x81, 0x88, 0xa8, 0x86, 0xdd, 0xff];
            frame[at] = random.Next(2) == 0 ? telling[random.Next(telling.Length)] : (byte)random.Next(256);
        }

        return random.Next(3) == 0 ? frame[..random.Next(frame.Length + 1)] : frame;
    }

    private static IEnumerable<byte[]> Build()
    {
        foreach (var tags in new[] { 0, 1, 2, 3, 4 })
        {
            foreach (var frame in Untagged())
            {
                for (var i = 0; i < tags; i++) frame.Vlan(100 + i, i, i == 0, i == 0 && tags > 1 ? (ushort)0x88a8 : (ushort)0x8100);
                yield return frame.Build();
            }
        }

        yield return [.. FrameBuilder.Ethernet(Dst, Src).EtherType(0x0026).PayloadLength(38).Build()];
    }

    private static FrameBuilder Eth() => FrameBuilder.Ethernet(Dst, Src);

    private static FrameBuilder Ip6(byte hops = 64) => Eth().Ipv6("2001:db8::1", "2001:db8::2", hops);

    private static IEnumerable<FrameBuilder> Untagged()
    {
        FrameBuilder V4() => Eth().Ipv4("10.0.0.1", "10.0.0.2");
        yield return V4().Tcp(1000, 80, TcpFlags.Syn).PadTo();
        yield return V4().Tcp(new TcpHeader { SourcePort = 1, DestinationPort = 2, Flags = TcpFlags.Ack }, [2, 4, 5, 180, 1, 1, 4, 2]).PayloadLength(33);
        yield return V4().Udp(1000, 53).PayloadLength(18);
        yield return V4().Udp(1000, 53, checksum: false).PadTo();
        yield return V4().Icmpv4(new IcmpHeader(8, 0, 1)).PayloadLength(9);
        yield return Eth().Ipv4(new Ipv4Header { Source = 1, Destination = 2, Protocol = 47, Dscp = 9, Ecn = 2 }, [1, 1, 1, 0]).PayloadLength(5);
        yield return Eth().Ipv4(new Ipv4Header { Source = 1, Destination = 2, MoreFragments = true }).Udp(5, 6).PayloadLength(16);
        yield return Eth().Ipv4(new Ipv4Header { Source = 1, Destination = 2, FragmentOffset = 24 }).Tcp(5, 6).PayloadLength(16);
        yield return Eth().Arp(new ArpMessage(1, MacAddress.Parse(Src), 0x0a000001, MacAddress.Zero, 0x0a000002)).PadTo();
        yield return Ip6().Tcp(1000, 80).PayloadLength(3);
        yield return Ip6().Udp(1000, 80);
        yield return Ip6().Icmpv6(new IcmpHeader(128, 0, 5)).PayloadLength(8);
        yield return Ip6(255).NeighborSolicitation(0x1234, MacAddress.Parse(Src));
        yield return Ip6(255).NeighborAdvertisement(0x1234, MacAddress.Parse(Src));
        yield return Ip6().Ipv6Extension(0, [1, 4, 0, 0, 0, 0]).Ipv6Extension(43, new byte[14]).Ipv6Extension(60, [1, 4, 0, 0, 0, 0]).Tcp(7, 8);
        yield return Ip6().Ipv6Extension(60, new byte[6]).Ipv6Extension(51, new byte[22]).Udp(7, 8);
        yield return Ip6().Ipv6Fragment(0, true, 9).Udp(7, 8).PayloadLength(16);
        yield return Ip6().Ipv6Fragment(1480, false, 9).Udp(7, 8);
        yield return Ip6().Ipv6Fragment(0, false, 9).Udp(7, 8);
        yield return Eth().Ipv6(new Ipv6Header { Source = 1, Destination = 2, NextHeader = 59, FlowLabel = 0x12345 });
        yield return Eth().Ipv6(new Ipv6Header { Source = 1, Destination = 2, NextHeader = 50 }).PayloadLength(24);
        yield return Eth().EtherType(0x88b5).PayloadLength(50);
    }
}
