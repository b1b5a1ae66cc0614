using KernelBypass.Pipeline.Engine;

namespace KernelBypass.Pipeline.Tests.Engine;

[Collection(EalCollection.Name)]
public sealed class PassThroughTests(EalFixture eal)
{
    [Fact]
    public void One_chain_passes_every_packet()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, [new ChainSpec(["rx", "wire", "tx"], [1])]);
        rig.Engine.Start();
        rig.Feed(10_000);
        rig.AwaitSent(10_000);
        rig.Engine.Stop();
        Assert.Equal("", rig.Drops());
        Assert.Equal(10_000ul, rig.Counters.Sum("kernelbypass_stage_packets", "rx"));
        Assert.Equal(10_000ul, rig.Counters.Sum("kernelbypass_stage_packets", "tx"));
        Assert.True(rig.Counters.Sum("kernelbypass_stage_cycles", "tx") > 0);
    }

    [Fact]
    public void A_ring_between_two_chains_passes_every_packet()
    {
        using var rig = new TestSwitch(
            eal, TestSwitch.WireStages, [new ChainSpec(["rx"], [1, 2]), new ChainSpec(["wire", "tx"], [3, 4])], queues: 2);
        rig.Engine.Start();
        rig.Feed(10_000);
        rig.AwaitSent(10_000);
        Assert.Equal("", rig.Drops());
        Assert.All(rig.Engine.Lcores().Where(l => l.Id != 0), l => Assert.True(l.Packets > 0, $"lcore {l.Id} had no packets"));
    }

    [Fact]
    public void A_ring_that_stays_full_drops_and_counts()
    {
        using var board = new Board();
        using var rig = new TestSwitch(
            eal, [new("rx"), new("gate"), TestSwitch.WireTo(TestSwitch.Out), new("tx")],
            [new ChainSpec(["rx"], [1]), new ChainSpec(["gate", "wire", "tx"], [2])], TestCatalogue.Kinds,
            TestSwitch.SmallOptions with { RingSize = 64, RingRetryMicroseconds = 100 }, new Stages.StageServices().Add(board));
        rig.Engine.Start();
        Volatile.Write(ref board[0], 1);
        rig.Feed(500);
        TestSwitch.Await(() => rig.Counters.Sum("kernelbypass_drop_packets", "engine", "ring_full") >= 500 - 64 - 32, rig.Drops);
        Volatile.Write(ref board[0], 0);
        TestSwitch.Await(() => rig.Sent + rig.Counters.Sum("kernelbypass_drop_packets", "engine", "ring_full") == 500, rig.Drops);
    }

    [Fact]
    public void Lcores_without_a_tx_queue_hand_over()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, [new ChainSpec(["rx", "wire", "tx"], [1, 2, 3])], queues: 3);
        rig.Engine.Ports.Detach("out");
        rig.Engine.Ports.Attach(new Pipeline.Ports.PortSpec
        {
            Name = "out",
            Number = TestSwitch.Out,
            Device = $"{eal.NewDevice("net_null")},no-rx=1",
            TxQueues = 1,
        });
        rig.Engine.Start();
        rig.Feed(3_000);
        rig.AwaitSent(3_000);
        Assert.Equal("", rig.Drops());
    }
}
