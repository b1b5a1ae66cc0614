using System.Diagnostics;
using System.Globalization;
using KernelBypass.EndToEnd.Tests.Lab;
using Xunit.Abstractions;

namespace KernelBypass.EndToEnd.Tests.Operations;

/// <summary>Either process may be killed at any time.</summary>
public sealed class RestartTests(ITestOutputHelper log) : IDisposable
{
    private readonly List<Host> _hosts = [];
    private SwitchUnderTest? _switch;

    [Fact]
    public void Killing_the_daemon_loses_no_packet_and_the_next_one_adopts_flows_and_counters()
    {
        var s = StartPair();
        s.AddFlows("priority=0,cookie=0x1 actions=normal", "priority=5,cookie=0x2,in_port=h1,ip actions=output:h2");
        _hosts[0].Ping(_hosts[1].Address);
        var dataPlane = s.TryStatus()!.DataplanePid;
        using var ping = _hosts[0].Start("ping", "-i", "0.01", "-c", "500", "-q", _hosts[1].Address);
        Thread.Sleep(1000);
        s.KillDaemon();
        Thread.Sleep(1500);
        s.Start();
        Assert.True(ping.WaitForExit(30000));
        Assert.Contains("500 packets transmitted, 500 received, 0% packet loss", ping.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
        Assert.Equal(dataPlane, s.TryStatus()!.DataplanePid);
        Assert.True(s.PacketsOf(0x2) >= 500);
        Assert.Equal(2, s.ReadFlows().Count);
    }

    [Fact]
    public void A_killed_data_plane_is_started_again_with_every_flow()
    {
        var s = StartPair();
        var flows = Path.Combine(s.Folder, "flows.txt");
        File.WriteAllLines(flows, Enumerable.Range(0, 5000).Select(i => $"priority=20,udp,udp_dst={i + 1000} actions=output:h1"));
        s.KbctlMust("flow", "load", flows);
        s.AddFlows("priority=0 actions=normal");
        Assert.Equal(3, _hosts[0].Ping(_hosts[1].Address));
        var before = s.TryStatus()!.DataplanePid;
        var clock = Stopwatch.StartNew();
        Shell.Must($"kill -9 {before}");
        Assert.True(SwitchUnderTest.Eventually(() => s.TryStatus() is { DataplaneState: "running" } now && now.DataplanePid != before, 30), s.LogTail());
        Assert.True(SwitchUnderTest.Eventually(() => _hosts[0].Ping(_hosts[1].Address, count: 1) == 1, 30));
        var measured = clock.ElapsedMilliseconds;
        var status = s.TryStatus()!;
        Assert.Equal(1u, status.DataplaneRestarts);
        Assert.InRange(status.LastOutageMs, 1ul, 30_000ul);
        Assert.Equal(5001, s.ReadFlows().Count);
        log.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"outage {status.LastOutageMs} ms as measured by the daemon; a host was heard again after {measured} ms"));
    }

    [Fact]
    public void Sigterm_stops_both_and_leaves_nothing()
    {
        var s = StartPair();
        var dataPlane = (int)s.TryStatus()!.DataplanePid;
        Assert.Equal(0, s.Stop());
        Assert.True(SwitchUnderTest.Eventually(() => HasEnded(dataPlane), 5), "the data plane still runs");
        Assert.False(File.Exists(s.Socket));
        Assert.Empty(Directory.GetFiles(Path.Combine(s.Folder, "run"), "*.shm"));
        Assert.False(Directory.Exists($"/var/run/dpdk/kbe2e{Environment.ProcessId}"));
    }

    [Fact]
    public void A_second_daemon_is_refused_and_the_first_goes_on()
    {
        var s = StartPair();
        var config = Path.Combine(s.Folder, "kernelbypass.yaml");
        var second = Shell.Run($"{SwitchUnderTest.Programs}/kernelbypassd", ["--config", config], timeoutSeconds: 30);
        Assert.NotEqual(0, second.Code);
        Assert.Contains(s.DaemonPid.ToString(CultureInfo.InvariantCulture), second.All, StringComparison.Ordinal);
        Assert.Equal("running", s.TryStatus()!.DataplaneState);
    }

    [Fact]
    public void Sighup_attaches_a_new_port_and_a_bad_file_changes_nothing()
    {
        var s = StartPair();
        s.WriteConfig(PortsYaml() + "\n  - name: spare\n    number: 9\n    device: net_null0,no-rx=1");
        Shell.Must($"kill -HUP {s.DaemonPid}");
        Assert.True(SwitchUnderTest.Eventually(() => PortNames(s).Contains("spare")), s.LogTail());
        s.WriteConfig(PortsYaml() + "\n  - name: worse\n    number: notanumber\n    device: net_null1");
        Shell.Must($"kill -HUP {s.DaemonPid}");
        Assert.True(SwitchUnderTest.Eventually(() => File.ReadAllText(s.Log).Contains("number", StringComparison.Ordinal)));
        Assert.Equal(["h1", "h2", "spare"], PortNames(s).Order());
        s.AddFlows("priority=0 actions=normal");
        Assert.Equal(3, _hosts[0].Ping(_hosts[1].Address));
    }

    public void Dispose()
    {
        _switch?.Dispose();
        foreach (var host in _hosts) host.Dispose();
    }

    private static IEnumerable<string> PortNames(SwitchUnderTest s) =>
        s.Ports.List(new V1.ListPortsRequest()).Ports.Select(port => port.Config.Name);

    private string PortsYaml() => ThreeHosts.PortsYaml(_hosts)
        .Replace("name: h11", "name: h1", StringComparison.Ordinal).Replace("name: h12", "name: h2", StringComparison.Ordinal);

    /// <summary>Gone, or waiting only for whoever inherited it to take note.</summary>
    private static bool HasEnded(int pid) =>
        !File.Exists($"/proc/{pid}/status") || File.ReadAllText($"/proc/{pid}/status").Contains("State:\tZ", StringComparison.Ordinal);

    private SwitchUnderTest StartPair()
    {
        for (var i = 11; i <= 12; i++) _hosts.Add(new Host(i));
        _switch = new SwitchUnderTest(PortsYaml(), "telemetry:\n  prometheus:\n    listen: \"\"");
        _switch.Start();
        return _switch;
    }
}
