using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Actions;

/// <summary>Several tables, action sets, shared and crowded packets.</summary>
public unsafe class ActionSetTests
{
    private static readonly byte[] s_frame = FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01")
        .Vlan(7, 3).Ipv4("10.0.0.1", "10.0.0.2", 64).Udp(1, 2).PayloadLength(20).Build();

    [Fact]
    public void The_set_is_executed_at_the_end_in_the_standard_order()
    {
        using var rig = new ActionRig();
        var flow = (nint)rig.Flow(new FlowSpec
        {
            Priority = 1,
            ApplyActions = [FlowAction.SetField(MatchField.UdpDst, [0, 9])],
            WriteActions =
            [
                FlowAction.Output(3), FlowAction.SetField(MatchField.VlanVid, [0x10, 5]), FlowAction.DecTtl,
                FlowAction.PushVlan(0x88a8), FlowAction.PopVlan,
                FlowAction.SetField(MatchField.EthDst, [2, 0, 0, 0, 0, 9]), FlowAction.SetField(MatchField.EthSrc, [2, 0, 0, 0, 0, 8]),
            ],
        });
        var (port, frame) = Assert.Single(rig.Run(s_frame, flow));
        Assert.Equal(3u, port);

        // Popped, then pushed: the new tag is empty but for the vid set after it.
        var expected = FrameBuilder.Ethernet("02:00:00:00:00:09", "02:00:00:00:00:08")
            .Vlan(5, 0, tpid: 0x88a8).Ipv4("10.0.0.1", "10.0.0.2", 63).Udp(1, 9).PayloadLength(20).Build();
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(frame));
    }

    [Fact]
    public void Later_tables_replace_and_clear()
    {
        using var rig = new ActionRig();
        var first = (nint)rig.Flow(new FlowSpec { TableId = 0, GotoTable = 1, WriteActions = [FlowAction.Output(2), FlowAction.DecTtl] });
        var second = (nint)rig.Flow(new FlowSpec { TableId = 1, GotoTable = 2, WriteActions = [FlowAction.Output(3)] });
        var replace = rig.Run(s_frame, first, (nint)rig.Flow(new FlowSpec { TableId = 1, WriteActions = [FlowAction.Output(3)] }));
        Assert.Equal((3u, (byte)63), (Assert.Single(replace).Port, replace[0].Frame[26]));
        var last = (nint)rig.Flow(new FlowSpec { TableId = 2, ClearActions = true, WriteActions = [FlowAction.Output(4)] });
        var clear = rig.Run(s_frame, first, second, last);
        Assert.Equal((4u, (byte)64), (Assert.Single(clear).Port, clear[0].Frame[26]));
        Assert.Empty(rig.Run(s_frame, first, (nint)rig.Flow(new FlowSpec { TableId = 1, ClearActions = true })));
        Assert.Equal([ActionsDrop.NoOutput], rig.Drops);
    }

    [Fact]
    public void A_miss_in_a_later_table_kills_the_set_but_not_what_was_applied()
    {
        using var rig = new ActionRig();
        var flow = (nint)rig.Flow(new FlowSpec { GotoTable = 1, ApplyActions = [FlowAction.Output(2)], WriteActions = [FlowAction.Output(3)] });
        Assert.Equal(2u, Assert.Single(rig.Run(s_frame, flow)).Port);
        Assert.Equal(2u, Assert.Single(rig.Run(s_frame, (nint)rig.Flow(new FlowSpec { GotoTable = 1 }), flow)).Port);
    }

    [Fact]
    public void A_drop_in_the_set_wins_over_its_output()
    {
        using var rig = new ActionRig();
        Assert.Empty(rig.Run(s_frame, (nint)rig.Flow(new FlowSpec { WriteActions = [FlowAction.Output(2), FlowAction.Drop] })));
        Assert.Equal([ActionsDrop.ActionDrop], rig.Drops);
    }

    [Fact]
    public void Metadata_and_cookie_of_a_packet_in_are_those_of_its_flow()
    {
        using var rig = new ActionRig();
        var first = (nint)rig.Flow(new FlowSpec
        {
            Cookie = 1,
            GotoTable = 1,
            MetadataValue = 0xab,
            MetadataMask = 0xff,
            WriteActions = [FlowAction.Output(ReservedPort.Controller)],
        });
        var second = (nint)rig.Flow(new FlowSpec { TableId = 1, Cookie = 2, Priority = 5 });
        Assert.Empty(rig.Run(s_frame, first, second));
        var info = Assert.Single(rig.Context.Punts).Info;
        Assert.Equal((1ul, 0xabul, (byte)0), (info.Cookie, info.Metadata, info.TableId));
    }

    [Fact]
    public void A_shared_packet_is_copied_before_it_is_changed_and_not_otherwise()
    {
        using var rig = new ActionRig();
        var change = (nint)rig.Apply(FlowAction.DecTtl, FlowAction.Output(2));
        var mbuf = rig.Packet(s_frame, change);
        ((RteMbuf*)mbuf)->refcnt = 2;
        rig.Context.CopiesLeft = 1;
        Assert.Equal(63, Assert.Single(rig.Run(mbuf)).Frame[26]);
        Assert.Equal(0, rig.Context.CopiesLeft);

        mbuf = rig.Packet(s_frame, (nint)rig.Apply(FlowAction.Output(2)));
        ((RteMbuf*)mbuf)->refcnt = 2;
        Assert.Equal(s_frame, Assert.Single(rig.Run(mbuf)).Frame);

        mbuf = rig.Packet(s_frame, change);
        ((RteMbuf*)mbuf)->refcnt = 2;
        Assert.Empty(rig.Run(mbuf));
        Assert.Equal([ActionsDrop.CopyFailed], rig.Drops);
    }

    [Fact]
    public void Without_copies_left_the_last_output_still_goes()
    {
        using var rig = new ActionRig();
        rig.Context.CopiesLeft = 1;
        Assert.Equal([2u, 4], rig.Run(s_frame, (nint)rig.Apply(FlowAction.Output(2), FlowAction.Output(3), FlowAction.Output(4))).Select(o => o.Port));
    }

    [Fact]
    public void More_outputs_than_a_burst_holds_are_dropped_and_counted()
    {
        using var rig = new ActionRig();
        rig.Ports = [.. Enumerable.Range(1, 100).Select(i => new PortDirectory.Entry((uint)i, (ushort)i, true, true, false))];
        var flood = (nint)rig.Apply(FlowAction.Output(ReservedPort.Flood));
        rig.Executor.Begin(new PortDirectory.Snapshot(rig.Ports));
        for (var i = 0; i < 21; i++) rig.Executor.Execute(rig.Packet(s_frame, flood));
        Assert.Equal(Burst.Capacity, rig.Executor.Outputs.Length);
        Assert.Equal(21 * 99 - Burst.Capacity, rig.Drops.Count(d => d == ActionsDrop.OutputBurstFull));
    }

    [Fact]
    public void Push_without_headroom_is_a_drop_reason()
    {
        using var rig = new ActionRig();
        var mbuf = rig.Packet(s_frame, (nint)rig.Apply(FlowAction.PushVlan(0x8100), FlowAction.Output(2)));
        ((RteMbuf*)mbuf)->buf_addr += ((RteMbuf*)mbuf)->data_off;
        ((RteMbuf*)mbuf)->data_off = 0;
        Assert.Empty(rig.Run(mbuf));
        Assert.Equal([ActionsDrop.NoHeadroom], rig.Drops);
    }

    [Fact]
    public void Drop_reasons_have_a_declaration_each()
    {
        Assert.Equal(Enum.GetValues<ActionsDrop>().Length - 1, ActionsDropReasons.All.Count);
        Assert.Equal(ActionsDropReasons.All.Count, ActionsDropReasons.All.Select(r => r.Name).Distinct().Count());
    }

    [Fact]
    public void Executing_allocates_nothing()
    {
        using var rig = new ActionRig();
        var flow = (nint)rig.Flow(new FlowSpec
        {
            ApplyActions = [FlowAction.PushVlan(0x8100), FlowAction.PopVlan, FlowAction.DecTtl, FlowAction.SetField(MatchField.Ipv4Dst, [1, 2, 3, 4])],
            WriteActions = [FlowAction.SetField(MatchField.UdpSrc, [3, 3]), FlowAction.Output(2)],
        });
        var ports = new PortDirectory.Snapshot(rig.Ports);
        var mbuf = rig.Packet(s_frame, flow);
        void Round()
        {
            rig.Executor.Begin(ports);
            rig.Executor.Execute(mbuf);
            *(new KernelBypass.Dpdk.Mbuf((RteMbuf*)mbuf).Data + 26) = 64;
        }

        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Explain_says_what_happens()
    {
        using var rig = new ActionRig();
        var ports = new PortDirectory();
        ports.Publish(rig.Ports);
        var explainer = new ActionExplainer(ports, null, puntExpired: false);
        var first = (nint)rig.Flow(new FlowSpec
        {
            Priority = 9,
            Cookie = 42,
            GotoTable = 1,
            ApplyActions = [FlowAction.SetField(MatchField.UdpDst, [0, 9]), FlowAction.Output(2)],
        });
        var second = (nint)rig.Flow(new FlowSpec { TableId = 1, WriteActions = [FlowAction.DecTtl, FlowAction.Output(3)] });
        var explained = explainer.Explain(s_frame, ActionRig.InPort, [first, second]);
        Assert.Equal(
            rig.Run(s_frame, first, second).Select(o => (o.Port, Convert.ToHexString(o.Frame))),
            explained.Outputs.Select(o => (o.Port, Convert.ToHexString(o.Frame))));
        Assert.Equal("sent to port 2 and to port 3", explained.Verdict);
        Assert.Equal(
            ["table 0: priority 9 cookie 0x2a matched", "table 0: set_field:udp_dst=9", "table 0: output:2", "output to port 2",
                "table 1: priority 0 cookie 0x0 matched", "table 1: dec_ttl", "table 1: output:3", "output to port 3"],
            explained.Steps.Skip(1).Take(8).Select(s => s.Text));
        var missed = explainer.Explain(s_frame, ActionRig.InPort, [first]);
        Assert.Equal(["table 0: output:2", "output to port 2", "table 1: no flow matched"], missed.Steps.TakeLast(3).Select(s => s.Text));
        Assert.Equal("dropped: no_output", explainer.Explain(s_frame, 1, []).Verdict);
        Assert.Equal("dropped: truncated_ethernet", explainer.Explain([1, 2, 3], 1, []).Verdict);
    }
}
