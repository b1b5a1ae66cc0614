using KernelBypass.Model.Flows;
using KernelBypass.Model.Text;

namespace KernelBypass.Model.Tests.Text;

public class FlowTextTests
{
    [Theory]
    [InlineData("table=0,priority=100,in_port=1 actions=output:2")]
    [InlineData("table=3,priority=7,cookie=0x2a,idle_timeout=5,hard_timeout=60,send_flow_removed,ip,ipv4_dst=10.0.0.0/8 actions=dec_ttl,goto_table:4")]
    [InlineData("table=0,priority=1,eth_type=0x800,ip_proto=6,tcp_dst=0x50/0xfff0 actions=set_field:eth_dst=02:00:00:00:00:01,normal")]
    [InlineData("table=0,priority=1,eth_type=0x86dd,ipv6_src=fd00::/64 actions=set_field:ipv6_dst=fd00::1,controller:128")]
    [InlineData("table=0,priority=1,vlan_vid=0x1000/0x1000 actions=pop_vlan,push_vlan:0x88a8,flood,clear_actions,write_actions(output:3)")]
    [InlineData("table=0,priority=0,metadata=0x10/0xf0 actions=write_metadata:0x1/0xf,goto_table:1")]
    [InlineData("table=0,priority=0,eth_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=drop")]
    public void A_flow_reads_back_as_it_was_written(string text)
    {
        var flow = FlowTextParser.Parse(text);
        var again = FlowTextParser.Parse(FlowTextFormatter.Format(flow));
        Assert.Equal(flow.Encode(), again.Encode());
        Assert.Equal(FlowTextFormatter.Format(flow), FlowTextFormatter.Format(FlowSpec.Decode(flow.Encode())));
    }

    [Fact]
    public void Short_words_stand_for_prerequisites()
    {
        var flow = FlowTextParser.Parse("tcp,tcp_dst=80 actions=output:1");
        Assert.Equal([MatchField.EthType, MatchField.IpProto, MatchField.TcpDst], flow.Match.Select(item => item.Field));
    }

    [Fact]
    public void Ports_may_be_named()
    {
        var flow = FlowTextParser.Parse("in_port=h1 actions=output:h2", name => name == "h1" ? 1u : name == "h2" ? 2u : null);
        Assert.Equal("in_port=1", FlowTextFormatter.FormatMatch(flow.Match));
        Assert.Equal("output:2", FlowTextFormatter.FormatInstructions(flow));
    }

    [Theory]
    [InlineData("ipv4_dst=10.0.0.256 actions=drop", "ipv4_dst")]
    [InlineData("ipv4_dst=10.0.0.0/33 actions=drop", "prefix length 33")]
    [InlineData("nosuch=1 actions=drop", "nosuch")]
    [InlineData("in_port=1", "actions=")]
    [InlineData("in_port=1 actions=explode", "explode")]
    [InlineData("in_port=eth9 actions=drop", "eth9")]
    [InlineData("tcp,tcp_dst=65536 actions=drop", "tcp_dst")]
    [InlineData("priority=70000 actions=drop", "priority")]
    [InlineData("ip,ipv4_dst=10.0.0.0/0 actions=drop", "mask is zero")]
    [InlineData("ip,ipv6 actions=drop", "twice")]
    [InlineData("actions=set_field:in_port=1", "cannot be set")]
    public void A_wrong_word_is_named(string text, string named)
    {
        var error = Assert.Throws<FormatException>(() => FlowTextParser.Parse(text));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }
}
