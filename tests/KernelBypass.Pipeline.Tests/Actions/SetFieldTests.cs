using KernelBypass.Model.Flows;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Actions;

/// <summary>Every settable field on every kind of packet: the result is the frame that the builder makes with that value.</summary>
public class SetFieldTests
{
    private static byte[] Hex(string text) => Convert.FromHexString(text);

    /// <summary>What a frame is made of; with one thing changed, the expected result of setting it.</summary>
    private sealed record Shape(string L4, bool V6, int Tags = 0)
    {
        internal string Dst { get; init; } = "02:00:00:00:00:02";

        internal string Src { get; init; } = "02:00:00:00:00:01";

        internal string IpSrc { get; init; } = V6 ? "2001:db8::1" : "10.0.0.1";

        internal string IpDst { get; init; } = V6 ? "2001:db8::2" : "10.0.0.2";

        internal byte Ttl { get; init; } = 64;

        internal byte Dscp { get; init; } = 10;

        internal byte Ecn { get; init; } = 1;

        internal ushort SrcPort { get; init; } = 1000;

        internal ushort DstPort { get; init; } = 80;

        internal int Vid { get; init; } = 100;

        internal int Pcp { get; init; } = 3;

        internal byte[] Build()
        {
            var frame = FrameBuilder.Ethernet(Dst, Src);
            for (var i = 0; i < Tags; i++) frame.Vlan(i == 0 ? Vid : 200 + i, i == 0 ? Pcp : 1, dropEligible: i == 0);
            if (V6)
            {
                frame.Ipv6(new Ipv6Header
                {
                    Source = AddressText.ParseIpv6(IpSrc),
                    Destination = AddressText.ParseIpv6(IpDst),
                    HopLimit = Ttl,
                    Dscp = Dscp,
                    Ecn = Ecn,
                    FlowLabel = 0xABCDE,
                });
            }
            else
            {
                frame.Ipv4(new Ipv4Header
                {
                    Source = AddressText.ParseIpv4(IpSrc),
                    Destination = AddressText.ParseIpv4(IpDst),
                    Ttl = Ttl,
                    Dscp = Dscp,
                    Ecn = Ecn,
                });
            }

            frame = L4 switch
            {
                "tcp" => frame.Tcp(SrcPort, DstPort),
                "udp" => frame.Udp(SrcPort, DstPort),
                "udp0" => frame.Udp(SrcPort, DstPort, checksum: false),
                _ => V6 ? frame.Icmpv6(new IcmpHeader(128, 0, 77)) : frame.Icmpv4(new IcmpHeader(8, 0, 77)),
            };
            return frame.PayloadLength(27).Build();
        }
    }

    public static TheoryData<string, bool, int> Shapes()
    {
        var data = new TheoryData<string, bool, int>();
        foreach (var l4 in new[] { "tcp", "udp", "udp0", "icmp" })
            for (var tags = 0; tags < 3; tags++)
            {
                data.Add(l4, false, tags);
                if (l4 != "udp0") data.Add(l4, true, tags);
            }

        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_field(string l4, bool v6, int tags)
    {
        var shape = new Shape(l4, v6, tags);
        Check(shape, shape with { Dst = "02:aa:bb:cc:dd:ee" }, MatchField.EthDst, "02aabbccddee");
        Check(shape, shape with { Src = "02:aa:bb:cc:dd:ee" }, MatchField.EthSrc, "02aabbccddee");
        Check(shape, shape with { Ttl = 7 }, MatchField.IpTtl, "07");
        Check(shape, shape with { Dscp = 46 }, MatchField.IpDscp, "2e");
        Check(shape, shape with { Ecn = 3 }, MatchField.IpEcn, "03");
        if (v6)
        {
            Check(shape, shape with { IpSrc = "fe80::1234:5678" }, MatchField.Ipv6Src, "fe800000000000000000000012345678");
            Check(shape, shape with { IpDst = "ff02::1" }, MatchField.Ipv6Dst, "ff020000000000000000000000000001");
        }
        else
        {
            Check(shape, shape with { IpSrc = "192.168.1.2" }, MatchField.Ipv4Src, "c0a80102");
            Check(shape, shape with { IpDst = "255.255.255.255" }, MatchField.Ipv4Dst, "ffffffff");
        }

        if (l4 != "icmp")
        {
            Check(shape, shape with { SrcPort = 65535 }, l4 == "tcp" ? MatchField.TcpSrc : MatchField.UdpSrc, "ffff");
            Check(shape, shape with { DstPort = 53 }, l4 == "tcp" ? MatchField.TcpDst : MatchField.UdpDst, "0035");
        }

        if (tags == 0) return;
        Check(shape, shape with { Vid = 4094 }, MatchField.VlanVid, "1ffe");
        Check(shape, shape with { Pcp = 7 }, MatchField.VlanPcp, "07");
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Dec_ttl(string l4, bool v6, int tags)
    {
        var shape = new Shape(l4, v6, tags);
        using var rig = new ActionRig();
        Assert.Equal((shape with { Ttl = 63 }).Build(), rig.Change(shape.Build(), FlowAction.DecTtl));
    }

    private static void Check(Shape before, Shape after, MatchField field, string value)
    {
        using var rig = new ActionRig();
        var result = rig.Change(before.Build(), FlowAction.SetField(field, Hex(value)));
        Assert.Equal(Convert.ToHexString(after.Build()), Convert.ToHexString(result));
    }
}
