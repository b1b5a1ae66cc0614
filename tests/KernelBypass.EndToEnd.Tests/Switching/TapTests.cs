using KernelBypass.EndToEnd.Tests.Lab;

namespace KernelBypass.EndToEnd.Tests.Switching;

/// <summary>Hosts on tap ports: whole IP fragments reach the switch (AF_PACKET's driver has the kernel put them together).</summary>
public sealed class TapTests : IDisposable
{
    private readonly List<Host> _hosts = [];
    private readonly SwitchUnderTest _switch;

    public TapTests()
    {
        var names = Enumerable.Range(21, 2).Select(Host.TapName).ToArray();
        _switch = new SwitchUnderTest(
            string.Join('\n', names.Select((name, i) => $"  - name: t{i + 1}\n    number: {i + 1}\n    device: net_tap{i},iface={name}")),
            "telemetry:\n  prometheus:\n    listen: \"\"");
        try
        {
            _switch.Start();
            for (var i = 21; i <= 22; i++) _hosts.Add(Host.OnTap(i));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    [Fact]
    public void Large_pings_cross_in_fragments()
    {
        _switch.AddFlows(
            "priority=0 actions=normal",
            $"priority=5,cookie=0x61,ip,ip_frag=later,ipv4_dst={_hosts[1].Address} actions=normal",
            $"priority=5,cookie=0x62,ip,ip_frag=first,ipv4_dst={_hosts[1].Address} actions=normal");
        Assert.Contains(" 0% packet loss", _hosts[0].Must($"ping -c 3 -i 0.2 -s 8000 {_hosts[1].Address}"), StringComparison.Ordinal);
        Assert.Equal((15ul, 3ul), (_switch.PacketsOf(0x61), _switch.PacketsOf(0x62)));
        Assert.Contains(" 0% packet loss", _hosts[0].Must($"ping -c 3 -i 0.2 -s 8000 {_hosts[1].Address6}"), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        foreach (var host in _hosts) host.Dispose();
        _switch.Dispose();
    }
}
