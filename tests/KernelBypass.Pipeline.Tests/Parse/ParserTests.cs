using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Parse;

public class ParserTests
{
    private const string Dst = "02:00:00:00:00:02";
    private const string Src = "02:00:00:00:00:01";

    private static FrameBuilder Frame => FrameBuilder.Ethernet(Dst, Src);

    [Fact]
    public void Tcp_over_ipv4()
    {
        var (verdict, meta) = ParseRig.Parse(Frame.Ipv4("10.0.0.1", "10.0.0.2", 63).Tcp(1000, 80, TcpFlags.Syn).Build());
        Assert.Equal(ParserVerdict.Ok, verdict);
        Assert.Equal("020000000002", meta.Field("eth_dst"));
        Assert.Equal("020000000001", meta.Field("eth_src"));
        Assert.Equal("0800", meta.Field("eth_type"));
        Assert.Equal("00000007", meta.Field("in_port"));
        Assert.Equal("0a000001", meta.Field("ipv4_src"));
        Assert.Equal("0a000002", meta.Field("ipv4_dst"));
        Assert.Equal("06", meta.Field("ip_proto"));
        Assert.Equal("3f", meta.Field("ip_ttl"));
        Assert.Equal("03e8", meta.Field("tcp_src"));
        Assert.Equal("0050", meta.Field("tcp_dst"));
        Assert.Equal("0002", meta.Field("tcp_flags"));
        Assert.Equal("0000", meta.Field("vlan_vid"));
        Assert.Equal((14, 34, 0), (meta.L3Offset, meta.L4Offset, meta.VlanTags));
        Assert.Equal(PacketKinds.Ipv4 | PacketKinds.Tcp, meta.Kinds);
    }

    [Fact]
    public void Two_tags_stand_in_the_key_and_more_are_skipped()
    {
        var frame = Frame.Vlan(100, 5, tpid: 0x88a8).Vlan(200, 3).Vlan(300).Ipv4("10.0.0.1", "10.0.0.2").Udp(1, 2).Build();
        var (verdict, meta) = ParseRig.Parse(frame);
        Assert.Equal(ParserVerdict.Ok, verdict);
        Assert.Equal("1064", meta.Field("vlan_vid"));
        Assert.Equal("05", meta.Field("vlan_pcp"));
        Assert.Equal("88a8", meta.Field("vlan_tpid"));
        Assert.Equal("10c8", meta.Field("inner_vlan_vid"));
        Assert.Equal("03", meta.Field("inner_vlan_pcp"));
        Assert.Equal("0800", meta.Field("eth_type"));
        Assert.Equal((26, 46, 2), (meta.L3Offset, meta.L4Offset, meta.VlanTags));
    }

    [Theory]
    [InlineData(0, true, "01", true)]
    [InlineData(8, true, "03", false)]
    [InlineData(8, false, "03", false)]
    public void Fragments_of_ipv4(int offset, bool more, string frag, bool hasPorts)
    {
        var header = new Ipv4Header { Source = 1, Destination = 2, FragmentOffset = offset, MoreFragments = more };
        var (verdict, meta) = ParseRig.Parse(Frame.Ipv4(header).Udp(1000, 53).PayloadLength(16).Build());
        Assert.Equal(ParserVerdict.Ok, verdict);
        Assert.Equal(frag, meta.Field("ip_frag"));
        Assert.Equal(hasPorts ? "03e8" : "0000", meta.Field("udp_src"));
        Assert.Equal(hasPorts, meta.L4Offset != 0);
        Assert.True(meta.Kinds.HasFlag(PacketKinds.Fragment));
        Assert.Equal(hasPorts, meta.Kinds.HasFlag(PacketKinds.Udp));
    }

    [Fact]
    public void Neighbour_solicitation()
    {
        var frame = Frame.Ipv6("fe80::1", "ff02::1:ff00:2", 255)
            .NeighborSolicitation(AddressText.ParseIpv6("fe80::2"), MacAddress.Parse(Src)).Build();
        var (verdict, meta) = ParseRig.Parse(frame);
        Assert.Equal(ParserVerdict.Ok, verdict);
        Assert.Equal("87", meta.Field("icmpv6_type"));
        Assert.Equal("fe800000000000000000000000000002", meta.Field("ipv6_nd_target"));
        Assert.Equal("020000000001", meta.Field("ipv6_nd_sll"));
        Assert.Equal("fe800000000000000000000000000001", meta.Field("ipv6_src"));
    }

    [Fact]
    public void Drop_reasons_are_in_the_order_of_the_verdicts()
    {
        var verdicts = Enum.GetValues<ParserVerdict>();
        Assert.Equal(verdicts.Length - 1, ParserDropReasons.All.Count);
        foreach (var verdict in verdicts.Where(v => v != ParserVerdict.Ok))
        {
            var words = ParserDropReasons.All[ParserDropReasons.Index(verdict)].Name.Split('_').Order();
            var name = string.Concat(verdict.ToString().Select(c => char.IsUpper(c) ? $"_{char.ToLowerInvariant(c)}" : $"{c}"));
            Assert.Equal(name[1..].Split('_').Order(), words);
        }
    }

    [Fact]
    public void Unneeded_words_are_left_alone_for_ipv4_and_written_for_ipv6()
    {
        const uint FirstWords = 0x7f;
        var ipv4 = ParseRig.Parse(Frame.Ipv4("10.0.0.1", "10.0.0.2").Udp(1, 2).Build(), FirstWords).Meta;
        Assert.Equal(0xEE, ipv4.Key.Bytes[FlowKeyLayout.Ipv6Src]);
        Assert.Equal(0, ipv4.Key.Bytes[FlowKeyLayout.Metadata]);
        var ipv6 = ParseRig.Parse(Frame.Ipv6("::1", "::2").Udp(1, 2).Build(), FirstWords).Meta;
        Assert.Equal(0, ipv6.Key.Bytes[FlowKeyLayout.NdTarget]);
    }
}
