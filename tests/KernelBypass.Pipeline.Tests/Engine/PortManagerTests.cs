using System.Net.NetworkInformation;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Ports;

namespace KernelBypass.Pipeline.Tests.Engine;

[Collection(EalCollection.Name)]
public sealed class PortManagerTests(EalFixture eal)
{
    private static readonly ChainSpec[] s_twoLcores = [new(["rx", "wire", "tx"], [1, 2])];

    [Fact]
    public void Ports_come_and_go_while_packets_pass()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, s_twoLcores, queues: 2);
        rig.Engine.Start();
        for (var i = 0; i < 20; i++)
        {
            rig.Feed(200);
            var port = rig.Engine.Ports.Attach(new PortSpec { Name = "guest", Device = eal.NewDevice("net_ring") });
            Assert.Equal(3u, port.Spec.Number);
            rig.Feed(200);
            rig.Engine.Ports.Detach("3");
        }

        rig.AwaitSent(8000);
        Assert.Equal("", rig.Drops());
        Assert.Null(rig.Engine.Ports.Find("guest"));
        var kinds = new List<PortChangeKind>();
        while (rig.Engine.Ports.TryTakeNotice(out var notice)) kinds.Add(notice.Kind);
        Assert.Equal(20, kinds.Count(k => k == PortChangeKind.Detached));
    }

    [Fact]
    public void Packets_to_a_port_that_is_gone_or_down_are_counted()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, s_twoLcores);
        rig.Engine.Start();
        rig.Engine.Ports.Set("out", new PortChange(AdminDown: true));
        Assert.False(rig.Engine.Ports.Directory.Current.Ports[1].Up);
        rig.Feed(100);
        TestSwitch.Await(() => Count(rig, "tx_port_down") == 100, rig.Drops);
        rig.Engine.Ports.Set("out", new PortChange(AdminDown: false));
        rig.Feed(100);
        rig.AwaitSent(100);
        rig.Engine.Ports.Detach("out");
        rig.Feed(100);
        TestSwitch.Await(() => Count(rig, "tx_port_gone") == 100, rig.Drops);
    }

    [Fact]
    public void A_port_attached_down_comes_up_with_what_was_set_meanwhile()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, s_twoLcores);
        rig.Engine.Start();
        for (ushort mtu = 1500; mtu >= 1400; mtu -= 100)
        {
            rig.Engine.Ports.Attach(new PortSpec { Name = "late", Device = $"{eal.NewDevice("net_null")},no-rx=1", AdminDown = true });
            Assert.False(rig.Engine.Ports.Directory.Current.Ports[2].Up);
            if (mtu != 1500) rig.Engine.Ports.Set("late", new PortChange(Mtu: mtu));
            var status = rig.Engine.Ports.Set("late", new PortChange(AdminDown: false));
            Assert.Equal((false, mtu, true), (status.Spec.AdminDown, status.Spec.Mtu, status.LinkUp));
            Assert.True(rig.Engine.Ports.Directory.Current.Ports[2].Up);
            rig.Engine.Ports.Detach("late");
        }
    }

    [Fact]
    public void Settings_change_and_bad_ones_are_refused_by_name()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, s_twoLcores);
        rig.Engine.Start();
        var mac = PhysicalAddress.Parse("02-00-00-00-00-07");
        var status = rig.Engine.Ports.Set("out", new PortChange(Mac: mac, NoFlood: true));
        Assert.Equal(mac, status.Mac);
        Assert.False(rig.Engine.Ports.Directory.Current.Ports[1].Flood);
        Assert.Throws<DpdkException>(() => rig.Engine.Ports.Set("in", new PortChange(Mac: mac))); // net_ring has no such call
        Assert.Contains("mtu", Refused(() => rig.Engine.Ports.Set("in", new PortChange(Mtu: 40))), StringComparison.Ordinal);
        Assert.Contains("no port x", Refused(() => rig.Engine.Ports.Set("x", new PortChange())), StringComparison.Ordinal);
        Assert.Contains("name 'a b'", Refused(() => rig.Engine.Ports.Attach(Spec("a b"))), StringComparison.Ordinal);
        Assert.Contains("port in already", Refused(() => rig.Engine.Ports.Attach(Spec("in"))), StringComparison.Ordinal);
        Assert.Contains("number 2", Refused(() => rig.Engine.Ports.Attach(Spec("b") with { Number = 2 })), StringComparison.Ordinal);
        Assert.Contains(
            "rx_queues", Refused(() => rig.Engine.Ports.Attach(Spec("b") with { RxQueues = 5000 })), StringComparison.Ordinal);
        Assert.Throws<DpdkException>(() => rig.Engine.Ports.Attach(Spec("b") with { Device = "net_absent0" }));
        rig.Feed(100);
        rig.AwaitSent(100);
    }

    [Fact]
    public void An_exhausted_copy_mempool_is_counted()
    {
        StageSpec[] stages =
            [new("rx"), new("hoard", "hoard", new Dictionary<string, long> { ["copies"] = 1 }), TestSwitch.WireTo(TestSwitch.Out), new("tx")];
        using var rig = new TestSwitch(eal, stages, [new ChainSpec(["rx", "hoard", "wire", "tx"], [1])], TestCatalogue.Kinds);
        rig.Engine.Start();
        rig.Feed(4000);
        rig.AwaitSent(4000);
        rig.Engine.Refresh();
        Assert.True(rig.Counters.Sum("kernelbypass_copy_failures") >= 4000 - 2047);
        Assert.True(rig.Counters.Sum("kernelbypass_mempool_allocation_failures") >= 4000 - 2047);
        Assert.True(rig.Counters.Sum("kernelbypass_mempool_available") <= 2047);
        rig.Engine.Stop();
        rig.Engine.Refresh();
        Assert.True(rig.Counters.Sum("kernelbypass_mempool_available") >= 2047);
    }

    private static ulong Count(TestSwitch rig, string reason) =>
        rig.Engine.Drops().Where(d => d.Reason == reason).Aggregate(0ul, (sum, d) => sum + d.Packets);

    private static string Refused(Action action) => Assert.Throws<PipelineException>(action).Message;

    private PortSpec Spec(string name) => new() { Name = name, Device = eal.NewDevice("net_ring") };
}
