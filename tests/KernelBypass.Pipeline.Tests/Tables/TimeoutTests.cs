using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;
using static KernelBypass.Pipeline.Tests.Tables.Keys;

namespace KernelBypass.Pipeline.Tests.Tables;

public class TimeoutTests
{
    private const long Second = 1_000_000_000;

    private struct Removals : IFlowRemovalSink
    {
        internal List<FlowRemoval> All;

        public readonly void Removed(in FlowRemoval removal, ReadOnlySpan<byte> spec)
        {
            Assert.Equal(removal.Cookie, FlowSpec.Decode(spec).Cookie);
            All.Add(removal);
        }
    }

    [Fact]
    public void A_hard_timeout_is_never_early_and_late_by_a_tick_at_most()
    {
        var random = new Random(3);
        using var rig = new TablesRig();
        var due = new Dictionary<FlowHandle, long>();
        for (uint i = 0; i < 2000; i++)
        {
            var seconds = (uint)(random.Next(4) == 0 ? random.Next(1, 200_000) : random.Next(1, 300));
            due[rig.Add(Flow(i, hard: seconds))] = rig.NowNs + seconds * Second;
            rig.NowNs += random.Next(100_000_000);
            Sweep(rig, due);
        }

        var end = due.Values.Max() + Second;
        while (rig.NowNs < end)
        {
            rig.NowNs += random.NextInt64(Second * 600);
            Sweep(rig, due);
        }

        Assert.Empty(due);
        Assert.Equal(0u, rig.Tables.HardFlowCount);
    }

    [Fact]
    public void An_idle_timeout_starts_anew_with_each_packet()
    {
        using var rig = new TablesRig();
        var flow = rig.Add(Flow(1, idle: 10));
        rig.Tables.Publish();
        for (var i = 0; i < 5; i++)
        {
            rig.NowNs += 9 * Second;
            rig.Classify(Tcp(1, 1, 1, 1, 1));
            Assert.Empty(SweepAll(rig));
        }

        Assert.True(rig.Tables.TryGet(flow, out var info, out _));
        Assert.Equal(rig.NowNs, info.LastUsedNs);
        rig.NowNs += 10 * Second - 1;
        Assert.Empty(SweepAll(rig));
        rig.NowNs += 1;
        var removal = Assert.Single(SweepAll(rig));
        Assert.Equal((flow, FlowRemovedReason.IdleTimeout, 5ul, 55 * Second),
            (removal.Handle, removal.Reason, removal.Packets, removal.DurationNs));
        Assert.Equal(0u, rig.Tables.IdleFlowCount);
    }

    [Fact]
    public void A_sweep_keeps_to_its_budget_and_goes_on_where_it_ended()
    {
        using var rig = new TablesRig();
        for (uint i = 0; i < 1000; i++) rig.Add(Flow(i, idle: 1, hard: 2));
        rig.NowNs += 5 * Second;
        var removals = new Removals { All = [] };
        for (var sweeps = 0; rig.Tables.FlowCount > 0; sweeps++)
        {
            Assert.True(sweeps < 100, "the sweep does not come to an end");
            Assert.InRange(rig.Tables.Sweep(rig.NowNs, ref removals, 50), 0, 50);
        }

        Assert.Equal(1000, removals.All.Select(removal => removal.Handle).Distinct().Count());
    }

    [Fact]
    public void Replacing_or_deleting_a_flow_ends_its_timeouts()
    {
        using var rig = new TablesRig();
        rig.Add(Flow(1, idle: 1, hard: 1));
        rig.Add(Flow(1));
        rig.Add(Flow(2, idle: 5, hard: 5));
        rig.Tables.Delete(rig.Add(Flow(3, idle: 1, hard: 1)), out _);
        rig.NowNs += 3 * Second;
        Assert.Empty(SweepAll(rig));
        Assert.Equal((1u, 1u), (rig.Tables.IdleFlowCount, rig.Tables.HardFlowCount));
    }

    private static void Sweep(TablesRig rig, Dictionary<FlowHandle, long> due)
    {
        foreach (var removal in SweepAll(rig))
        {
            Assert.Equal(FlowRemovedReason.HardTimeout, removal.Reason);
            Assert.True(due.Remove(removal.Handle, out var at));
            Assert.True(at <= rig.NowNs, "a flow timed out early");
        }

        var late = due.Count(flow => flow.Value + 200_000_000 < rig.NowNs);
        Assert.True(late == 0, $"{late} flows are overdue");
    }

    private static List<FlowRemoval> SweepAll(TablesRig rig)
    {
        var removals = new Removals { All = [] };
        rig.Tables.Sweep(rig.NowNs, ref removals, int.MaxValue);
        return removals.All;
    }

    private static FlowSpec Flow(uint number, uint idle = 0, uint hard = 0) => new()
    {
        Cookie = number,
        IdleTimeoutSeconds = idle,
        HardTimeoutSeconds = hard,
        Match = [Item(MatchField.InPort, number)],
    };
}
