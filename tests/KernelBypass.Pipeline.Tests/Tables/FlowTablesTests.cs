using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;
using static KernelBypass.Pipeline.Tests.Tables.Keys;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Adding, replacing, modifying, deleting; limits; what is seen by packets.</summary>
public unsafe class FlowTablesTests
{
    private static readonly FlowKey s_packet = Tcp(1, 0x0a000001, 0x0a000002, 1000, 80);

    [Fact]
    public void A_packet_without_a_flow_is_dropped_as_table_miss()
    {
        using var rig = new TablesRig();
        Assert.Empty(rig.Classify(s_packet));
        Assert.Equal(1, rig.Context.Drops[0]);
        Assert.Equal("table_miss", Stages.Classify.ClassifyStage.Declared.DropReasons[0].Name);
    }

    [Fact]
    public void A_table_miss_flow_takes_what_nothing_else_matches()
    {
        using var rig = new TablesRig();
        var miss = rig.Add(new FlowSpec());
        var exact = rig.Add(Exact(1));
        rig.Tables.Publish();
        Assert.Equal([exact], rig.Classify(s_packet));
        Assert.Equal([miss], rig.Classify(Tcp(1, 9, 9, 9, 9)));
        Assert.Equal(1, rig.Lane.First(0)->IsTableMiss);
    }

    [Fact]
    public void Counters_count_packets_and_bytes_and_stay_when_a_flow_is_replaced()
    {
        using var rig = new TablesRig();
        var first = rig.Add(Exact(1));
        rig.Tables.Publish();
        rig.Classify(s_packet, 100);
        rig.Classify(s_packet, 60);
        var second = rig.Add(Exact(1), out var replaced);
        Assert.Equal((first, FlowRemovedReason.Replaced, 2ul, 160ul),
            (replaced.Handle, replaced.Reason, replaced.Packets, replaced.Bytes));
        Assert.False(rig.Tables.TryGet(first, out _, out _));
        Assert.True(rig.Tables.TryGet(second, out var info, out _));
        Assert.Equal((2ul, 160ul), (info.Packets, info.Bytes));

        var third = rig.Add(Exact(1, FlowFlags.ResetCounts));
        Assert.True(rig.Tables.TryGet(third, out info, out _));
        Assert.Equal((0ul, 0ul), (info.Packets, info.Bytes));
        rig.Tables.Publish();
        Assert.Equal([third], rig.Classify(s_packet));
    }

    [Fact]
    public void Modify_changes_instructions_and_keeps_identity_counters_and_timeouts()
    {
        using var rig = new TablesRig();
        var flow = rig.Add(new FlowSpec
        {
            Priority = 5,
            Cookie = 77,
            IdleTimeoutSeconds = 9,
            HardTimeoutSeconds = 8,
            Match = TcpMatch(0x0a000001, 0x0a000002, 1000, 80),
        });
        rig.Tables.Publish();
        rig.Classify(s_packet);
        var change = new FlowSpec
        {
            Cookie = 1,
            GotoTable = 3,
            MetadataMask = 1,
            MetadataValue = 1,
            ApplyActions = [FlowAction.DecTtl]
        };
        Assert.True(rig.Tables.Modify(flow, change.Encode()).IsOk);
        rig.Tables.Publish();
        Assert.True(rig.Tables.TryGet(flow, out var info, out var spec));
        var stored = FlowSpec.Decode(spec);
        Assert.Equal((77ul, (ushort)5, 9u, 8u, (byte?)3, 1ul, 1, 6),
            (stored.Cookie, stored.Priority, stored.IdleTimeoutSeconds, stored.HardTimeoutSeconds, stored.GotoTable,
                stored.MetadataMask,
                stored.ApplyActions.Count, stored.Match.Count));
        Assert.Equal(1ul, info.Packets);
    }

    [Fact]
    public void Modify_checks_actions_against_the_flow_s_own_match()
    {
        using var rig = new TablesRig();
        var flow = rig.Add(new FlowSpec { Match = [Item(MatchField.InPort, 1)] });
        var change = new FlowSpec { Match = TcpMatch(1, 2, 3, 4), ApplyActions = [FlowAction.DecTtl] };
        Assert.Equal(FlowErrorCode.SetFieldPrerequisite, rig.Tables.Modify(flow, change.Encode()).Code);
        Assert.Equal(FlowErrorCode.Truncated, rig.Tables.Modify(flow, change.Encode().AsSpan(1)).Code);
        Assert.Equal(FlowErrorCode.StaleHandle, rig.Tables.Modify(new FlowHandle(7, 7), change.Encode()).Code);
    }

    [Fact]
    public void A_flow_is_found_by_its_identity_alone()
    {
        using var rig = new TablesRig();
        var flow = rig.Add(Exact(1));
        var asked = new FlowSpec { Priority = 10, Match = Exact(1).Match, ApplyActions = [FlowAction.DecTtl] };
        Assert.True(rig.Tables.Find(asked.Encode(), out var found).IsOk);
        Assert.Equal(flow, found);
        Assert.Equal(FlowErrorCode.NotFound, rig.Tables.Find(Exact(2).Encode(), out _).Code);
        Assert.Equal(FlowErrorCode.NotFound, rig.Tables.Find(new FlowSpec { Priority = 11, Match = Exact(1).Match }.Encode(),
            out _).Code);
        Assert.Equal(FlowErrorCode.Truncated, rig.Tables.Find(asked.Encode().AsSpan()[..^1], out _).Code);
    }

    [Fact]
    public void Overlap_is_refused_only_when_asked_for_and_only_within_a_priority()
    {
        using var rig = new TablesRig();
        rig.Add(new FlowSpec { Priority = 5, Match = [Item(MatchField.InPort, 1)] });
        FlowSpec Other(ushort priority, FlowFlags flags, uint source) => new()
        {
            Priority = priority,
            Flags = flags,
            Match = [Item(MatchField.EthType, 0x800), Item(MatchField.Ipv4Src, source)],
        };
        Assert.Equal(FlowErrorCode.Overlap, rig.TryAdd(Other(5, FlowFlags.CheckOverlap, 1)));
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(Other(6, FlowFlags.CheckOverlap, 1)));
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(Other(5, FlowFlags.None, 1)));
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(new FlowSpec
        {
            Priority = 5,
            Flags = FlowFlags.CheckOverlap,
            Match = [Item(MatchField.InPort, 2), Item(MatchField.EthType, 0x806)],
        }));
    }

    [Fact]
    public void Unknown_ports_are_refused_with_the_action_s_index()
    {
        using var rig = new TablesRig(portExists: port => port == 2);
        var spec = new FlowSpec { ApplyActions = [FlowAction.Output(2)], WriteActions = [FlowAction.Output(3)] };
        var error = rig.Tables.Add(spec.Encode(), 0, out _, out _);
        Assert.Equal((FlowErrorCode.UnknownPort, (short)1), (error.Code, error.ActionIndex));
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(new FlowSpec { ApplyActions = [FlowAction.Output(ReservedPort.Normal)] }));
    }

    [Fact]
    public void A_later_table_sees_the_changed_key_and_metadata_and_the_packet_keeps_its_own()
    {
        using var rig = new TablesRig();
        var first = rig.Add(new FlowSpec
        {
            Priority = 1,
            GotoTable = 2,
            MetadataMask = 0xff,
            MetadataValue = 0x42,
            Match = [Item(MatchField.EthType, 0x800)],
            ApplyActions = [FlowAction.SetField(MatchField.Ipv4Dst, [1, 2, 3, 4])],
        });
        var second = rig.Add(new FlowSpec
        {
            TableId = 2,
            Priority = 1,
            GotoTable = 7,
            Match = [Item(MatchField.EthType, 0x800), Item(MatchField.Ipv4Dst, 0x01020304), Item(MatchField.Metadata, 0x42)],
        });
        var third = rig.Add(new FlowSpec { TableId = 7 });
        rig.Tables.Publish();
        for (var round = 0; round < 3; round++) Assert.Equal([first, second, third], rig.Classify(s_packet));
        Assert.True(rig.Context.Value("kernelbypass_classify_cache_hits") > 0);

        var steps = new ExplainStep[64];
        Assert.Equal(3, rig.Tables.Explain(s_packet, steps));
        Assert.Equal([first, second, third], steps[..3].Select(step => step.Flow));
        Assert.Equal([0, 2, 7], steps[..3].Select(step => (int)step.TableId));
    }

    [Fact]
    public void A_miss_in_a_later_table_drops_unless_something_was_applied()
    {
        using var rig = new TablesRig();
        var flow = rig.Add(new FlowSpec { GotoTable = 1, WriteActions = [FlowAction.Output(2)] });
        rig.Tables.Publish();
        for (var round = 0; round < 2; round++) Assert.Empty(rig.Classify(s_packet));
        Assert.Equal(2, rig.Context.Drops[0]);
        Assert.True(rig.Tables.Modify(flow, new FlowSpec { GotoTable = 1, ApplyActions = [FlowAction.Output(2)] }.Encode()).IsOk);
        rig.Tables.Publish();
        for (var round = 0; round < 2; round++) Assert.Equal([flow], rig.Classify(s_packet));
        Assert.Equal(1, rig.Lane.First(0)->GotoTable);
    }

    [Fact]
    public void What_the_cache_keeps_tells_packets_apart_as_soon_as_a_flow_does()
    {
        using var rig = new TablesRig();
        var wide = rig.Add(new FlowSpec { Priority = 1, Match = [Item(MatchField.EthType, 0x800)] });
        rig.Add(new FlowSpec
        {
            Priority = 2,
            GotoTable = 1,
            Match = [Item(MatchField.EthType, 0x800),
            Item(MatchField.Ipv4Src, 5)]
        });
        rig.Tables.Publish();
        rig.Classify(s_packet);

        // Not yet published: lcores may meet it or not, but a packet from another port never.
        rig.Add(new FlowSpec { Priority = 3, Match = [Item(MatchField.EthType, 0x800), Item(MatchField.InPort, 1)] });
        var other = Tcp(2, 0x0a000001, 0x0a000002, 1000, 80);
        for (var round = 0; round < 3; round++)
        {
            rig.Classify(s_packet);
            Assert.Equal([wide], rig.Classify(other));
        }
    }

    [Fact]
    public void Churn_of_exact_flows_leaves_other_packets_cached()
    {
        using var rig = new TablesRig(cacheEntries: 4096);
        rig.Add(new FlowSpec { Priority = 1, GotoTable = 1 });
        rig.Add(new FlowSpec { TableId = 1 });
        for (uint i = 0; i < 600; i++) rig.Add(Exact(1000 + i));
        rig.Tables.Publish();
        rig.Classify(s_packet);
        for (uint i = 0; i < 600; i++)
        {
            rig.Add(Exact(5000 + i));
            rig.Tables.Publish();
            rig.Classify(s_packet);
        }

        // A few of the added flows may share the packet's cell.
        Assert.True(rig.Context.Value("kernelbypass_classify_cache_stale") < 10);
    }

    [Fact]
    public void Memory_of_a_deleted_flow_stays_until_the_grace_period_is_over()
    {
        using var rig = new TablesRig(cacheEntries: 0);
        var flow = rig.Add(Exact(1));
        rig.Tables.Publish();
        rig.Classify(s_packet);
        var entry = rig.Lane.First(0);
        Assert.True(rig.Tables.Delete(flow, out _).IsOk);
        rig.Tables.Reclaim();
        for (uint i = 0; i < 100; i++) rig.Add(Exact(100 + i));
        rig.Tables.Reclaim();
        Assert.Equal((flow.Slot, flow.Generation, 1ul), (entry->Slot, entry->Generation, entry->Cookie));
        Assert.True(rig.Tables.RetiredCount > 0);
        rig.Settle();
        Assert.Equal(0, rig.Tables.RetiredCount);
        var next = rig.Add(Exact(2));
        Assert.Equal(flow.Slot, next.Slot);
        Assert.NotEqual(flow.Generation, next.Generation);
        Assert.True(rig.Tables.TryGet(next, out var info, out _));
        Assert.Equal(0ul, info.Packets);
    }

    private static FlowSpec Exact(uint number, FlowFlags flags = FlowFlags.None) => new()
    {
        Priority = 10,
        Cookie = number,
        Flags = flags,
        Match = TcpMatch(0x0a000000 + number, 0x0a000002, 1000, 80),
    };
}
