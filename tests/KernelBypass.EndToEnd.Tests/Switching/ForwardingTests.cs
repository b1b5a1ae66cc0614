using KernelBypass.EndToEnd.Tests.Lab;

namespace KernelBypass.EndToEnd.Tests.Switching;

/// <summary>Real Linux hosts talk through flows.</summary>
[Collection("machine")]
public class ForwardingTests(ThreeHosts lab)
{
    private SwitchUnderTest Switch => lab.Switch;

    [Fact]
    public void Two_flows_join_two_hosts_and_count_every_packet()
    {
        lab.Reset();
        lab.H1.Must($"ip neigh replace {lab.H2.Address} lladdr {lab.H2.Mac} dev eth0 nud permanent");
        lab.H2.Must($"ip neigh replace {lab.H1.Address} lladdr {lab.H1.Mac} dev eth0 nud permanent");
        Switch.AddFlows(
            $"priority=10,cookie=0x11,in_port=h1,icmp,ipv4_src={lab.H1.Address},ipv4_dst={lab.H2.Address} actions=output:h2",
            $"priority=10,cookie=0x12,in_port=h2,icmp,ipv4_src={lab.H2.Address},ipv4_dst={lab.H1.Address} actions=output:h1");
        Assert.Equal(20, lab.H1.Ping(lab.H2.Address, count: 20, interval: 0.01));
        Assert.Equal((20ul, 20ul), (Switch.PacketsOf(0x11), Switch.PacketsOf(0x12)));
        Assert.All(Switch.ReadFlows(0x11), flow => Assert.Equal(20ul * 98, flow.Stats.Bytes));
        lab.H1.Must($"ip neigh del {lab.H2.Address} dev eth0");
        lab.H2.Must($"ip neigh del {lab.H1.Address} dev eth0");
    }

    [Fact]
    public void Without_a_flow_nothing_passes_and_the_miss_is_counted()
    {
        lab.Reset();
        var before = Switch.Drops("table_miss");
        Assert.Equal(0, lab.H1.Ping(lab.H2.Address, count: 2));
        Assert.True(SwitchUnderTest.Eventually(() => Switch.Drops("table_miss") > before));
    }

    [Fact]
    public void Normal_learns_where_hosts_are()
    {
        lab.Reset();
        Switch.AddFlows("priority=0 actions=normal");
        Assert.Equal(3, lab.H1.Ping(lab.H2.Address));
        Assert.Equal(3, lab.H1.Ping(lab.H3.Address));
        Assert.Equal(3, lab.H2.Ping(lab.H3.Address6));
        var macs = Switch.Pipeline.ListMacs(new V1.ListMacsRequest()).Macs;
        foreach (var host in new[] { lab.H1, lab.H2, lab.H3 })
            Assert.Equal((uint)host.Index, Assert.Single(macs, mac => mac.Mac == host.Mac).Port);
    }

    [Fact]
    public void A_learnt_address_is_not_flooded()
    {
        lab.Reset();
        Switch.AddFlows("priority=0 actions=normal");
        lab.H1.Ping(lab.H2.Address);
        using var listener = lab.H3.Start("tcpdump", "-i", "eth0", "-c", "1", "-nn", "icmp");
        Thread.Sleep(1000);
        Assert.Equal(5, lab.H1.Ping(lab.H2.Address, count: 5));
        Assert.False(listener.WaitForExit(1000), "h3 saw a packet that was not for it");
        listener.Kill(entireProcessTree: true);
    }

    [Fact]
    public void A_tag_is_pushed_and_popped()
    {
        lab.Reset();
        Switch.AddFlows(
            "priority=10,cookie=0x41,in_port=h1,vlan_vid=0x100a actions=pop_vlan,output:h2",
            "priority=10,cookie=0x42,in_port=h2,untagged,icmp actions=push_vlan:0x8100,set_field:vlan_vid=0x100a,set_field:vlan_pcp=5,output:h1",
            "priority=0 actions=normal");
        lab.H2.Ping(lab.H1.Address, count: 1); // h2 knows h1's address from here on

        // scapy is a host with a tagged interface: it pings h2 in VLAN 10 and reads the answer's tag.
        var script = Path.Combine(AppContext.BaseDirectory, "Peers", "tagged_ping.py");
        var result = lab.H1.Run("/usr/bin/python3", [script, lab.H1.Mac, lab.H2.Mac, lab.H1.Address, lab.H2.Address]);
        Assert.True(result.Code == 0, result.All);
        Assert.Equal("vlan 10 priority 5 echo-reply\n", result.Output);
        Assert.True(Switch.PacketsOf(0x41) > 0 && Switch.PacketsOf(0x42) > 0);
    }

    [Theory]
    [InlineData("ip", "ipv4", "10.99.0.200")]
    [InlineData("ipv6", "ipv6", "fd99::200")]
    public void Rewritten_addresses_keep_every_checksum_right(string kind, string field, string alias)
    {
        lab.Reset();
        var (h1, h2) = kind == "ip" ? (lab.H1.Address, lab.H2.Address) : (lab.H1.Address6, lab.H2.Address6);
        lab.H1.Ip($"neigh replace {alias} lladdr {lab.H2.Mac} dev eth0 nud permanent");
        using var server = lab.H2.Start("python3", "-m", "http.server", "8080", "--bind", kind == "ip" ? "0.0.0.0" : "::");
        try
        {
            Switch.AddFlows(
                "priority=0 actions=normal",
                $"priority=10,in_port=h1,{kind},{field}_dst={alias} actions=set_field:{field}_dst={h2},output:h2",
                $"priority=10,in_port=h2,{kind},{field}_src={h2},{field}_dst={h1} actions=set_field:{field}_src={alias},output:h1");
            Assert.Equal(3, lab.H1.Ping(alias));
            var url = kind == "ip" ? $"http://{alias}:8080/" : $"http://[{alias}]:8080/";
            Assert.True(SwitchUnderTest.Eventually(
                () => lab.H1.Run("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "3", url]).Output == "200"));
        }
        finally
        {
            server.Kill(entireProcessTree: true);
            lab.H1.Ip($"neigh del {alias} dev eth0");
        }
    }

    [Fact]
    public void Dec_ttl_drops_what_has_expired()
    {
        lab.Reset();
        Switch.AddFlows(
            "priority=0 actions=normal",
            $"priority=10,in_port=h1,ip,ipv4_dst={lab.H2.Address} actions=dec_ttl,output:h2");
        lab.H1.Ping(lab.H2.Address);
        var before = Switch.Drops("ttl_expired");
        Assert.Contains("ttl=64", lab.H1.Must($"ping -c 1 -t 2 {lab.H2.Address}"), StringComparison.Ordinal);
        Assert.NotEqual(0, lab.H1.Run("ping", ["-c", "2", "-W", "1", "-t", "1", lab.H2.Address]).Code);
        Assert.True(SwitchUnderTest.Eventually(() => Switch.Drops("ttl_expired") == before + 2));
    }

    [Fact]
    public void Tables_are_walked_with_metadata()
    {
        lab.Reset();
        Switch.AddFlows(
            "table=0,priority=10,in_port=h1 actions=write_metadata:0x1/0xff,goto_table:1",
            "table=0,priority=10,in_port=h2 actions=write_metadata:0x2/0xff,goto_table:1",
            "table=1,priority=20,metadata=0x1/0xff actions=write_actions(output:h2),goto_table:2",
            "table=1,priority=20,metadata=0x2/0xff actions=output:h1",
            "table=2,priority=0,cookie=0x33 actions=drop");
        Assert.Equal(0, lab.H1.Ping(lab.H2.Address, count: 1));
        Assert.True(Switch.PacketsOf(0x33) > 0);
        Switch.KbctlMust("flow", "del", "table=2");
        Switch.AddFlows("table=2,priority=0,cookie=0x34 actions=clear_actions,write_actions(output:h2)");
        Assert.Equal(3, lab.H1.Ping(lab.H2.Address));
        Assert.True(Switch.PacketsOf(0x34) >= 3);
    }

    [Fact]
    public void Iperf3_runs_over_tcp_and_udp()
    {
        lab.Reset();
        Switch.AddFlows("priority=0 actions=normal");
        using var server = lab.H2.Start("iperf3", "-s");
        Thread.Sleep(500);
        using var ending = new KillOnDispose(server);
        var tcp = lab.H1.Must($"iperf3 -c {lab.H2.Address} -t 3 -J");
        Assert.True(BitsPerSecond(tcp) > 50e6, $"TCP made {BitsPerSecond(tcp) / 1e6:0} Mbit/s");
        var udp = lab.H1.Must($"iperf3 -c {lab.H2.Address} -u -b 20M -t 2 -J");
        using var document = System.Text.Json.JsonDocument.Parse(udp);
        var sum = document.RootElement.GetProperty("end").GetProperty("sum");
        Assert.True(sum.GetProperty("lost_percent").GetDouble() < 1, $"UDP lost {sum.GetProperty("lost_percent")} %");
    }

    private static double BitsPerSecond(string json)
    {
        using var document = System.Text.Json.JsonDocument.Parse(json);
        return document.RootElement.GetProperty("end").GetProperty("sum_received").GetProperty("bits_per_second").GetDouble();
    }
}
