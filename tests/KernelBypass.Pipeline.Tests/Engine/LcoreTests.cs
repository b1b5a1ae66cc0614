using System.Globalization;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Tests.Engine;

[Collection(EalCollection.Name)]
public sealed class LcoreTests(EalFixture eal)
{
    [Fact]
    public void A_million_packets_allocate_nothing()
    {
        using var board = new Board();
        using var rig = new TestSwitch(
            eal, [new("rx"), TestSwitch.WireTo(TestSwitch.Out), new("allocation"), new("tx")],
            [new ChainSpec(["rx"], [1]), new ChainSpec(["wire", "allocation", "tx"], [2])], TestCatalogue.Kinds,
            services: new StageServices().Add(board));
        rig.Engine.Ports.Attach(new PortSpec { Name = "source", Device = eal.NewDevice("net_null") });
        rig.Engine.Start();
        TestSwitch.Await(() => rig.Sent >= 1_000_000, () => $"sent {rig.Sent}; {rig.Drops()}");
        rig.Engine.Stop();
        Assert.True(board[2] > 1000, $"{board[2]} bursts");
        Assert.Equal(board[0], board[1]);
    }

    [Fact]
    public void A_grace_period_waits_for_the_turn_and_for_packets_in_rings()
    {
        using var board = new Board();
        StageSpec[] stages = [new("rx"), new("gate"), TestSwitch.WireTo(TestSwitch.Out), new("tx")];
        using var rig = new TestSwitch(
            eal, stages, [new ChainSpec(["rx"], [1]), new ChainSpec(["gate", "wire", "tx"], [2])], TestCatalogue.Kinds,
            services: new StageServices().Add(board));
        var grace = rig.Engine.GracePeriod;
        Assert.True(grace.HasPassed(grace.Start()), "nothing runs yet");
        rig.Engine.Start();
        var idle = grace.Start();
        TestSwitch.Await(() => grace.HasPassed(idle), () => "idle lcores hold up a grace period");

        Volatile.Write(ref board[0], 1);
        rig.Feed(200);
        TestSwitch.Await(() => Volatile.Read(ref board[1]) == 1, () => "the gate holds nobody");
        var first = grace.Start();
        var second = grace.Start();
        for (var i = 0; i < 20; i++)
        {
            Assert.False(grace.HasPassed(first), "packets wait before the gate");
            Thread.Sleep(1);
        }

        Volatile.Write(ref board[0], 0);
        TestSwitch.Await(() => grace.HasPassed(first), () => "the gate is open");
        TestSwitch.Await(() => grace.HasPassed(second), () => "the second is not passed");
        rig.Engine.Stop();
        Assert.True(grace.HasPassed(grace.Start()), "stopped lcores are quiescent");
    }

    [Fact]
    public void An_idle_lcore_sleeps()
    {
        using var rig = new TestSwitch(
            eal, TestSwitch.WireStages, [new ChainSpec(["rx", "wire", "tx"], [1])], options: new EngineOptions
            {
                RxPoolSize = 2047,
                CopyPoolSize = 2047,
                PoolCacheSize = 32,
            });
        rig.Engine.Start();
        Thread.Sleep(100);
        var before = BusyNs("rte-worker-1");
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        Thread.Sleep(1000);
        var share = (BusyNs("rte-worker-1") - before) / System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalNanoseconds;
        Assert.True(share < 0.20, $"an idle lcore used {share:P1} of its CPU");
        Assert.True(rig.Counters.Sum("kernelbypass_lcore_sleeps", "1") > 10);
        rig.Feed(16);
        rig.AwaitSent(16);
    }

    [Fact]
    public void Status_tells_what_runs_where()
    {
        using var rig = new TestSwitch(
            eal, TestSwitch.WireStages, [new ChainSpec(["rx"], [1, 2]), new ChainSpec(["wire", "tx"], [3])], queues: 2);
        rig.Engine.Start();
        rig.Feed(1000);
        rig.AwaitSent(1000);
        rig.Engine.Refresh();
        var lcores = rig.Engine.Lcores();
        Assert.Equal(["main", "worker", "worker", "worker", "idle"], lcores.Select(l => l.Role));
        Assert.Contains("in/0", lcores[1].Queues.Concat(lcores[2].Queues));
        Assert.Equal(["wire", "tx"], lcores[3].Stages);
        var stages = rig.Engine.StageStatuses();
        Assert.Equal(1000ul, stages[1].Packets);
        Assert.Equal(TestSwitch.SmallOptions.RingSize, stages[1].RingSize);
        Assert.Equal(0, stages[2].RingSize);
        Assert.Equal(2, stages[1].Options["forward_to"]);
        Assert.Equal(1000ul, rig.Counters.Sum("kernelbypass_port_tx_packets", "out"));
        Assert.True(rig.Counters.Sum("kernelbypass_mempool_size") >= 4094);
    }

    [Fact]
    public void Refresh_allocates_nothing()
    {
        using var rig = new TestSwitch(
            eal, TestSwitch.WireStages, [new ChainSpec(["rx"], [1, 2]), new ChainSpec(["wire", "tx"], [3])], queues: 2);
        rig.Engine.Start();
        for (var i = 0; i < 3; i++) rig.Engine.Refresh();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) rig.Engine.Refresh();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static long BusyNs(string thread)
    {
        foreach (var task in Directory.EnumerateDirectories("/proc/self/task"))
        {
            if (File.ReadAllText(Path.Combine(task, "comm")).Trim() != thread) continue;
            return long.Parse(File.ReadAllText(Path.Combine(task, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture);
        }

        throw new InvalidOperationException($"no thread {thread}");
    }
}
