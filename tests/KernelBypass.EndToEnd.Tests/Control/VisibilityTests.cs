using System.Globalization;
using KernelBypass.EndToEnd.Tests.Lab;
using KernelBypass.V1;

namespace KernelBypass.EndToEnd.Tests.Control;

/// <summary>explain, trace, capture, packet-in, packet-out, metrics.</summary>
[Collection("machine")]
public class VisibilityTests(ThreeHosts lab)
{
    [Fact]
    public void Explain_says_what_happens_without_doing_it()
    {
        lab.Reset();
        lab.Switch.AddFlows(
            "table=0,priority=10,cookie=0xe1,ip,ipv4_dst=10.1.0.0/16 actions=goto_table:1",
            "table=1,priority=5,cookie=0xe2,tcp,tcp_dst=80 actions=set_field:ipv4_dst=10.99.0.2,dec_ttl,output:h2");
        var sent = lab.Switch.KbctlMust("explain", "--in-port", "h1", "tcp,ipv4_src=10.99.0.1,ipv4_dst=10.1.2.3,tcp_dst=80");
        Assert.Contains("0xe1", sent, StringComparison.Ordinal);
        Assert.Contains("0xe2", sent, StringComparison.Ordinal);
        Assert.Contains("10.99.0.2", sent, StringComparison.Ordinal);
        var dropped = lab.Switch.Kbctl("explain", "--in-port", "h1", "tcp,ipv4_src=10.99.0.1,ipv4_dst=10.1.2.3,tcp_dst=81");
        Assert.Equal(4, dropped.Code);
        Assert.Contains("table_miss", dropped.Output, StringComparison.Ordinal);
        Assert.Equal(0ul, lab.Switch.PacketsOf(0xe1));
    }

    [Fact]
    public void Trace_follows_real_packets()
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=0,cookie=0xabc actions=normal");
        using var trace = Shell.Start(
            $"{SwitchUnderTest.Programs}/kbctl",
            ["trace", "--match", "icmp", "--count", "2", "--seconds", "15", "--address", $"unix://{lab.Switch.Socket}"]);
        Thread.Sleep(1500);
        Assert.Equal(4, lab.H1.Ping(lab.H2.Address, count: 4));
        Assert.True(trace.WaitForExit(20000));
        var text = trace.StandardOutput.ReadToEnd();
        Assert.Contains("0xabc", text, StringComparison.Ordinal);
        Assert.Contains("verdict", text, StringComparison.Ordinal);
        Assert.Contains("10.99.0.1", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-p", "h1")]
    [InlineData("-s", "classify")]
    public void Capture_is_read_by_tshark(string option, string point)
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=0 actions=normal");
        var file = Path.Combine(lab.Switch.Folder, "capture.pcapng");
        using var capture = Shell.Start(
            $"{SwitchUnderTest.Programs}/kbctl",
            ["capture", option, point, "--match", "icmp", "-w", file, "-n", "6", "--seconds", "15", "--address", $"unix://{lab.Switch.Socket}"]);
        Thread.Sleep(1500);
        Assert.Equal(3, lab.H1.Ping(lab.H2.Address, count: 3));
        Assert.True(capture.WaitForExit(20000));
        var rows = Shell.Must($"tshark -r {file} -T fields -e frame.interface_name -e icmp.type -e icmp.checksum.status");
        var icmp = rows.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(6, icmp.Length);
        Assert.All(icmp, row => Assert.Contains(point, row, StringComparison.Ordinal));
    }

    [Fact]
    public void Dropped_packets_can_be_captured_with_their_reason()
    {
        lab.Reset();
        using var capture = Shell.Start(
            $"{SwitchUnderTest.Programs}/kbctl",
            ["capture", "--stage", "drops", "-n", "1", "--seconds", "15", "--address", $"unix://{lab.Switch.Socket}"]);
        Thread.Sleep(1500);
        lab.H1.Ping(lab.H2.Address, count: 2);
        Assert.True(capture.WaitForExit(20000));
        Assert.Contains("table_miss", capture.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Packets_go_to_the_controller_and_come_back()
    {
        lab.Reset();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var packetIns = lab.Switch.Packets.PacketIns(new PacketInsRequest(), cancellationToken: stop.Token);
        await packetIns.ResponseHeadersAsync;
        lab.Switch.AddFlows("priority=0 actions=controller", "priority=9,cookie=0xc0,in_port=h1,icmp actions=controller:64");

        // A hub as a controller: what comes in on one port goes out of the other.
        var hub = Task.Run(async () =>
        {
            var reasons = new HashSet<PacketIn.Types.Reason>();
            while (await packetIns.ResponseStream.MoveNext(stop.Token))
            {
                var packet = packetIns.ResponseStream.Current;
                reasons.Add(packet.Reason);
                if (packet.Cookie == 0xc0 && packet.TotalLength > packet.Data.Length) return reasons;
                var request = new PacketOutRequest { Data = packet.Data, InPort = packet.InPort };
                request.Actions.Add(new V1.Action { Output = new() { Port = packet.InPort == 1 ? 2u : 1u } });
                await lab.Switch.Packets.PacketOutAsync(request);
            }

            return reasons;
        });
        lab.H1.Ip("neigh flush all");
        lab.H1.Run("ping", ["-c", "3", "-W", "2", "-s", "200", lab.H2.Address]);
        var seen = await hub;
        Assert.Contains(PacketIn.Types.Reason.NoMatch, seen);
        Assert.Contains(PacketIn.Types.Reason.Action, seen);
    }

    [Fact]
    public void Metrics_are_what_promtool_and_the_counters_say()
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=0 actions=normal");
        lab.H1.Ping(lab.H2.Address);
        var text = Shell.Must("curl -sf http://127.0.0.1:19464/metrics");
        var check = Shell.Run("promtool", ["check", "metrics"], input: text);
        Assert.True(check.Code == 0, check.All);
        var counted = lab.Switch.Ports.Stats(new PortStatsRequest()).Ports.Single(port => port.Name == "h1").RxPackets;
        Assert.True(counted > 0);
        Assert.True(SwitchUnderTest.Eventually(() => Value(Shell.Must("curl -sf http://127.0.0.1:19464/metrics"), "rx_packets", "h1") >= counted));
    }

    private static double Value(string metrics, string name, string port) => metrics.Split('\n')
        .Where(line => line.Contains(name, StringComparison.Ordinal) && line.Contains($"\"{port}\"", StringComparison.Ordinal) && line[0] != '#')
        .Select(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))
        .DefaultIfEmpty(-1).Max();
}
