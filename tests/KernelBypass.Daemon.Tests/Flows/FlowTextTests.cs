using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Tests.Flows;

public sealed class FlowTextTests
{
    private static FlowSpec Parse(string text)
    {
        Assert.True(FlowText.TryParse(text, FlowLimits.Default, out var bytes, out var error), error);
        return FlowSpec.Decode(bytes);
    }

    [Fact]
    public void Everything_can_be_said()
    {
        var flow = Parse("table=1,priority=7,cookie=0x2a,idle_timeout_s=5,hard_timeout_s=6,send_flow_removed,tcp,in_port=3,"
            + "ipv4_dst=10.1.2.3/8,tcp_dst=80,vlan_vid=0x1000/0x1000,"
            + "actions=pop_vlan,dec_ttl,set_field:eth_dst=02:00:00:00:00:09,controller:64,output:2,"
            + "clear_actions,write(output:normal),write_metadata:0x5/0xf,goto_table:2");
        Assert.Equal((1, 7, 0x2aUL), (flow.TableId, flow.Priority, flow.Cookie));
        Assert.Equal((5u, 6u, FlowFlags.SendFlowRemoved), (flow.IdleTimeoutSeconds, flow.HardTimeoutSeconds, flow.Flags));
        Assert.Equal((5UL, 15UL, (byte?)2, true), (flow.MetadataValue, flow.MetadataMask, flow.GotoTable, flow.ClearActions));
        var destination = flow.Match.Single(item => item.Field == MatchField.Ipv4Dst);
        Assert.Equal("0A000000/FF000000", $"{Convert.ToHexString(destination.Value)}/{Convert.ToHexString(destination.Mask!)}");
        Assert.Equal(5, flow.ApplyActions.Count);
        Assert.Equal(FlowAction.Output(ReservedPort.Controller, 64).Payload, flow.ApplyActions[3].Payload);
        Assert.Equal(FlowAction.Output(ReservedPort.Normal).Payload, Assert.Single(flow.WriteActions).Payload);
    }

    [Fact]
    public void A_whole_mask_is_an_exact_match() =>
        Assert.Null(Assert.Single(Parse("eth_dst=02:00:00:00:00:01/ff:ff:ff:ff:ff:ff, actions=drop").Match).Mask);

    [Fact]
    public void An_empty_mask_matches_anything() => Assert.Empty(Parse("eth_dst=02:00:00:00:00:01/00:00:00:00:00:00,actions=drop").Match);

    [Theory]
    [InlineData("actions=drop,output:1", "nothing can follow drop")]
    [InlineData("ip,ipv4_dst=10.0.0.0/33,actions=drop", "0 to 32")]
    [InlineData("ip,ipv4_dst=10.0.0,actions=fly", "no action 'fly'")]
    [InlineData("ip,ipv4_dst=2001::1,actions=drop", "not an IPv4 address")]
    [InlineData("eth_dst=1:2,actions=drop", "not a MAC address")]
    [InlineData("in_port=0x1ffffffff,actions=drop", "0 to 4294967295")]
    [InlineData("priority=65536,actions=drop", "0 to 65535")]
    [InlineData("table=64,actions=drop", "limits.tables")]
    [InlineData("table=3,actions=goto_table:2", "later table")]
    [InlineData("actions=set_field:ipv4_src=1.2.3.4", "needs the match to fix")]
    [InlineData("actions=outptu:3", "did you mean 'output'")]
    public void Errors_say_what_is_wrong(string text, string message)
    {
        Assert.False(FlowText.TryParse(text, FlowLimits.Default, out var spec, out var error));
        Assert.Empty(spec);
        Assert.Contains(message, error, StringComparison.Ordinal);
    }
}
