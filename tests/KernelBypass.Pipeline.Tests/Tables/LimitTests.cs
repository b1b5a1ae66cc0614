using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;
using static KernelBypass.Pipeline.Tests.Tables.Keys;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Each limit answers with its code, changes nothing, and gives way when there is room again.</summary>
public class LimitTests
{
    [Fact]
    public void Flows()
    {
        using var rig = new TablesRig(maxFlows: 10);
        var flows = new List<FlowHandle>();
        for (uint i = 0; i < 10; i++) flows.Add(rig.Add(Port(i)));
        Assert.Equal(FlowErrorCode.FlowTableFull, rig.TryAdd(Port(10)));
        Assert.Equal(10u, rig.Tables.FlowCount);
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(Port(3)));
        Assert.True(rig.Tables.Delete(flows[0], out _).IsOk);
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(Port(10)));
    }

    [Fact]
    public void Flows_per_table()
    {
        using var rig = new TablesRig(maxFlowsPerTable: 3);
        for (uint i = 0; i < 3; i++) rig.Add(Port(i));
        Assert.Equal(FlowErrorCode.TableFull, rig.TryAdd(Port(3)));
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(Port(3, table: 1)));
    }

    [Fact]
    public void Masks()
    {
        using var rig = new TablesRig(maxMasks: 2);
        var first = rig.Add(Port(1));
        rig.Add(new FlowSpec { Match = [Item(MatchField.EthType, 0x800)] });
        var third = new FlowSpec { Match = [Item(MatchField.EthType, 0x800), Item(MatchField.InPort, 1)] };
        Assert.Equal(FlowErrorCode.MaskTableFull, rig.TryAdd(third));
        Assert.Equal(2u, rig.Tables.FlowCount);
        Assert.Equal(2, rig.Tables.Status(0).Masks);
        Assert.True(rig.Tables.Delete(first, out _).IsOk);
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(third));
    }

    [Fact]
    public void Slots_that_wait_for_a_grace_period()
    {
        using var rig = new TablesRig(maxFlows: 4, slots: 4);
        for (uint i = 0; i < 4; i++) rig.Add(Port(i));
        rig.Tables.Find(Port(0).Encode(), out var flow);
        Assert.True(rig.Tables.Delete(flow, out _).IsOk);
        Assert.Equal(FlowErrorCode.FlowTableFull, rig.TryAdd(Port(9)));
        Assert.Equal(FlowErrorCode.FlowTableFull, rig.TryAdd(Port(1, FlowFlags.ResetCounts)));
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(Port(1)));
        rig.Grace.Pass();
        Assert.Equal(FlowErrorCode.None, rig.TryAdd(Port(9)));
    }

    [Fact]
    public void A_wave_of_masks_leaves_tables_as_they_were()
    {
        using var rig = new TablesRig();
        for (var round = 0; round < 3; round++)
        {
            var flows = new List<FlowHandle>();
            for (var bits = 1; bits <= 32; bits++)
            {
                for (var other = 1; other <= 32; other++)
                    flows.Add(rig.Add(Prefixes(uint.MaxValue << (32 - bits), uint.MaxValue << (32 - other))));
            }

            Assert.Equal(1024, rig.Tables.Status(0).Masks);
            Assert.InRange(rig.Tables.Status(0).Tuples, 1, 256);
            rig.Settle();
            foreach (var flow in flows) Assert.True(rig.Tables.Delete(flow, out _).IsOk);
            rig.Settle();
            Assert.Equal((0u, 0, 0), (rig.Tables.Status(0).Flows, rig.Tables.Status(0).Masks, rig.Tables.Status(0).Tuples));
            Assert.Equal(0, rig.Tables.RetiredCount);
        }
    }

    [Fact]
    public void Memory_does_not_grow_under_churn()
    {
        using var rig = new TablesRig();
        long settled = 0;
        for (var round = 0; round < 20; round++)
        {
            var flows = new List<FlowHandle>();
            for (uint i = 0; i < 500; i++) flows.Add(rig.Add(Port(i)));
            foreach (var flow in flows) Assert.True(rig.Tables.Delete(flow, out _).IsOk);
            rig.Settle();
            if (round == 1) settled = rig.Tables.MemoryBytes;
        }

        Assert.Equal(settled, rig.Tables.MemoryBytes);
    }

    [Fact]
    public void Limits_that_do_not_fit_are_refused_at_the_start()
    {
        using var statistics = FlowStatistics.InProcess(10, 1);
        Assert.Throws<ArgumentException>(
            () => new FlowTables(new() { Statistics = statistics, GracePeriod = new ManualGrace(), MaxFlows = 11 }));
        Assert.Throws<ArgumentException>(() => new FlowTables(
            new() { Statistics = statistics, GracePeriod = new ManualGrace(), MaxFlows = 10, Limits = new FlowLimits(0, 1) }));
    }

    private static FlowSpec Port(uint port, FlowFlags flags = FlowFlags.None) => Port(port, 0, flags);

    private static FlowSpec Port(uint port, byte table, FlowFlags flags = FlowFlags.None) =>
        new() { TableId = table, Flags = flags, Match = [Item(MatchField.InPort, port + 1)] };

    private static FlowSpec Prefixes(uint source, uint destination) => new()
    {
        Priority = 1,
        Match =
        [
            Item(MatchField.EthType, 0x800), Item(MatchField.Ipv4Src, 0x0a0b0c0d & source, source),
            Item(MatchField.Ipv4Dst, 0xc0a80102 & destination, destination),
        ],
    };
}
