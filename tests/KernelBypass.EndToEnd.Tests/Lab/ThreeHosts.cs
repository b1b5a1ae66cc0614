namespace KernelBypass.EndToEnd.Tests.Lab;

/// <summary>Hosts h1, h2 and h3 on ports 1, 2 and 3 of one running switch; shared by the tests of a class.</summary>
public sealed class ThreeHosts : IDisposable
{
    private readonly List<Host> _hosts = [];

    public ThreeHosts()
    {
        try
        {
            for (var i = 1; i <= 3; i++) _hosts.Add(new Host(i));
            Switch = new SwitchUnderTest(PortsYaml(_hosts), "telemetry:\n  prometheus:\n    listen: 127.0.0.1:19464");
            Switch.Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal SwitchUnderTest Switch { get; } = null!;

    internal Host H1 => _hosts[0];

    internal Host H2 => _hosts[1];

    internal Host H3 => _hosts[2];

    /// <summary>Ports with the hosts' numbers, on AF_PACKET.</summary>
    internal static string PortsYaml(IEnumerable<Host> hosts) => string.Join('\n', hosts.Select(host =>
        $"  - name: h{host.Index}\n    number: {host.Index}\n    device: net_af_packet{host.Index},iface={host.Link}"));

    /// <summary>Empties the tables and the learnt addresses, so that each test begins alike.</summary>
    internal void Reset()
    {
        Switch.KbctlMust("flow", "del", "--all");
        Switch.KbctlMust("mac", "flush");
    }

    public void Dispose()
    {
        Switch?.Dispose();
        foreach (var host in _hosts) host.Dispose();
    }
}

/// <summary>End-to-end tests share the machine: one at a time.</summary>
[CollectionDefinition("machine", DisableParallelization = true)]
public class MachineDefinition : ICollectionFixture<ThreeHosts>;
