using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Tests.Engine;

[Collection(EalCollection.Name)]
public sealed class PlacementTests(EalFixture eal)
{
    private static readonly StageSpec[] s_stages = [new("rx"), TestSwitch.WireTo(TestSwitch.Out), new("order"), new("tx")];

    [Fact]
    public void A_thousand_placement_changes_lose_nothing_and_keep_order()
    {
        using var board = new Board();
        var random = new Random(20261122);
        using var rig = new TestSwitch(
            eal, s_stages, RandomPlacement(random), TestCatalogue.Kinds,
            TestSwitch.SmallOptions with { MaxSleepMicroseconds = 20 }, new StageServices().Add(board), queues: 2);
        rig.Engine.Start();
        var stop = false;
        var fed = 0;
        var feeder = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                rig.Feed(64);
                fed += 64;
            }
        });
        feeder.Start();
        try
        {
            for (var i = 0; i < 1000; i++) rig.Engine.SetPlacement(RandomPlacement(random));
        }
        finally
        {
            Volatile.Write(ref stop, true);
            feeder.Join();
        }

        rig.AwaitSent((ulong)fed);
        Assert.True(fed > 1000, $"only {fed} packets were fed");
        Assert.Equal(0, board[OrderStage.Violations]);
        Assert.Equal("", rig.Drops());
    }

    [Fact]
    public void A_placement_that_cannot_be_is_refused_and_changes_nothing()
    {
        using var board = new Board();
        ChainSpec[] good = [new(["rx", "wire", "order", "tx"], [1])];
        using var rig = new TestSwitch(eal, s_stages, good, TestCatalogue.Kinds, services: new StageServices().Add(board));
        rig.Engine.Start();
        (ChainSpec[] Placement, string Names)[] bad =
        [
            ([], "0 chains"),
            ([new(["rx", "wire", "order", "tx"], [])], "no lcores"),
            ([new(["rx", "wire", "order", "tx"], [9])], "lcore 9"),
            ([new(["rx", "wire"], [1]), new(["order", "tx"], [1])], "Lcore 1"),
            ([new(["rx", "order"], [1]), new(["wire", "tx"], [2])], "stage order"),
            ([new(["rx", "wire", "order"], [1])], "stage tx"),
            ([new(["rx", "wire", "nat", "tx"], [1])], "stage nat"),
        ];
        foreach (var (placement, names) in bad)
        {
            var e = Assert.Throws<PipelineException>(() => rig.Engine.SetPlacement(placement));
            Assert.Contains(names, e.Message, StringComparison.Ordinal);
        }

        Assert.Same(good, rig.Engine.Placement);
        rig.Feed(100);
        rig.AwaitSent(100);
    }

    [Fact]
    public void An_lcore_that_does_not_stop_leaves_the_old_placement_in_force()
    {
        using var board = new Board();
        StageSpec[] stages = [new("rx"), new("gate"), TestSwitch.WireTo(TestSwitch.Out), new("tx")];
        using var rig = new TestSwitch(
            eal, stages, [new ChainSpec(["rx"], [1]), new ChainSpec(["gate", "wire", "tx"], [2])], TestCatalogue.Kinds,
            TestSwitch.SmallOptions with { StopTimeoutMilliseconds = 100 }, new StageServices().Add(board));
        rig.Engine.Start();
        Volatile.Write(ref board[0], 1);
        rig.Feed(50);
        TestSwitch.Await(() => Volatile.Read(ref board[1]) == 1, () => "the gate holds nobody");
        try
        {
            var e = Assert.Throws<PipelineException>(
                () => rig.Engine.SetPlacement([new ChainSpec(["rx", "gate", "wire", "tx"], [3])]));
            Assert.Contains("Lcore 2", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            Volatile.Write(ref board[0], 0);
        }

        Assert.Equal(2, rig.Engine.Placement.Count);
        rig.Feed(50);
        TestSwitch.Await(
            () =>
            {
                rig.Engine.Refresh();
                return rig.Sent == 100;
            },
            () => $"sent {rig.Sent}; {rig.Drops()}");
    }

    private static ChainSpec[] RandomPlacement(Random random)
    {
        string[] names = [.. s_stages.Select(s => s.Name)];
        int[] lcores = [1, 2, 3, 4];
        random.Shuffle(lcores);
        var chains = new List<ChainSpec>();
        var (stage, lcore) = (0, 0);
        while (stage < names.Length)
        {
            var last = lcore == lcores.Length - 1;
            var take = last ? names.Length - stage : random.Next(1, names.Length - stage + 1);
            var free = lcores.Length - lcore;
            var more = stage + take < names.Length;
            var width = random.Next(1, (more ? free - 1 : free) + 1);
            chains.Add(new ChainSpec(names[stage..(stage + take)], lcores[lcore..(lcore + width)]));
            stage += take;
            lcore += width;
        }

        return [.. chains];
    }
}
