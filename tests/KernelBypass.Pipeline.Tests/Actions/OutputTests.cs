using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Actions;

public unsafe class OutputTests
{
    private static readonly byte[] s_frame =
        FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01").Ipv4("10.0.0.1", "10.0.0.2", 2).Udp(1, 2).PayloadLength(20).Build();

    [Fact]
    public void To_a_port_unchanged()
    {
        using var rig = new ActionRig();
        var (port, frame) = Assert.Single(rig.Run(s_frame, (nint)rig.Apply(FlowAction.Output(3))));
        Assert.Equal(3u, port);
        Assert.Equal(s_frame, frame);
    }

    [Theory]
    [InlineData(1u, ActionsDrop.OutputToInPort)]
    [InlineData(9u, ActionsDrop.NoSuchPort)]
    [InlineData(5u, ActionsDrop.PortDown)]
    public void To_a_port_that_cannot_be(uint port, ActionsDrop reason)
    {
        using var rig = new ActionRig();
        Assert.Empty(rig.Run(s_frame, (nint)rig.Apply(FlowAction.Output(port))));
        Assert.Equal([reason], rig.Drops);
        Assert.Equal(2u, Assert.Single(rig.Run(s_frame, (nint)rig.Apply(FlowAction.Output(port), FlowAction.Output(2)))).Port);
    }

    [Fact]
    public void Without_output_or_with_drop_it_is_dropped()
    {
        using var rig = new ActionRig();
        Assert.Empty(rig.Run(s_frame, (nint)rig.Apply()));
        Assert.Empty(rig.Run(s_frame, (nint)rig.Apply(FlowAction.Drop)));
        Assert.Equal([ActionsDrop.NoOutput, ActionsDrop.ActionDrop], rig.Drops);
    }

    [Fact]
    public void Reserved_ports()
    {
        using var rig = new ActionRig();
        Assert.Equal([1u], Ports(rig, ReservedPort.InPort));
        Assert.Equal([2u, 3, 4], Ports(rig, ReservedPort.All));
        Assert.Equal([2u, 3], Ports(rig, ReservedPort.Flood));
    }

    [Fact]
    public void Each_output_has_the_packet_as_it_was_then()
    {
        using var rig = new ActionRig();
        var outputs = rig.Run(s_frame, (nint)rig.Apply(
            FlowAction.Output(2), FlowAction.SetField(MatchField.UdpDst, [0, 9]), FlowAction.Output(3), FlowAction.PushVlan(0x8100),
            FlowAction.Output(4), FlowAction.PopVlan));
        Assert.Equal([2u, 3, 4], outputs.Select(o => o.Port));
        Assert.Equal(s_frame, outputs[0].Frame);
        Assert.Equal([0, 9], outputs[1].Frame[36..38]);
        Assert.Equal(s_frame.Length, outputs[1].Frame.Length);
        Assert.Equal([0x81, 0, 0, 0], outputs[2].Frame[12..16]);
    }

    [Fact]
    public void A_ttl_that_would_reach_zero_ends_the_packet_behind_earlier_outputs()
    {
        using var rig = new ActionRig(puntExpired: true);
        var flow = (nint)rig.Apply(FlowAction.DecTtl, FlowAction.Output(2), FlowAction.DecTtl, FlowAction.Output(3));
        var (port, frame) = Assert.Single(rig.Run(s_frame, flow));
        Assert.Equal(2u, port);
        Assert.Equal(1, frame[22]);
        Assert.Equal([ActionsDrop.TtlExpired], rig.Drops);
        var (_, info, punted) = Assert.Single(rig.Context.Punts);
        Assert.Equal(PacketInReason.InvalidTtl, info.Reason);
        Assert.Equal(frame, punted);
    }

    [Fact]
    public void To_the_controller_with_max_len()
    {
        using var rig = new ActionRig();
        var miss = (nint)rig.Flow(new FlowSpec { TableId = 3, Cookie = 7, ApplyActions = [FlowAction.Output(ReservedPort.Controller, 20)] });
        Assert.Empty(rig.Run(s_frame, miss));
        Assert.Single(rig.Run(s_frame, (nint)rig.Apply(FlowAction.Output(ReservedPort.Controller), FlowAction.Output(2))));
        Assert.Empty(rig.Drops);
        Assert.Equal([s_frame[..20], s_frame], rig.Context.Punts.Select(p => p.Frame));
        var (first, second) = (rig.Context.Punts[0].Info, rig.Context.Punts[1].Info);
        Assert.Equal(
            (PacketInReason.NoMatch, 7ul, (byte)3, (uint)s_frame.Length, 1u),
            (first.Reason, first.Cookie, first.TableId, first.WireLength, first.InPort));
        Assert.Equal((PacketInReason.Action, 42ul), (second.Reason, second.Cookie));
    }

    private static uint[] Ports(ActionRig rig, uint reserved) =>
        [.. rig.Run(s_frame, (nint)rig.Apply(FlowAction.Output(reserved))).Select(o => o.Port)];
}
