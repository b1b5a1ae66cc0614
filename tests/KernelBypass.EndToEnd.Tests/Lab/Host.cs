using System.Diagnostics;

namespace KernelBypass.EndToEnd.Tests.Lab;

/// <summary>
/// A Linux host: a network namespace with eth0, whose other end is a veth in the root namespace that the switch opens with AF_PACKET.
/// </summary>
internal sealed class Host : IDisposable
{
    private readonly List<Process> _processes = [];

    /// <summary>Makes host number <paramref name="index"/> (from 1) with 10.99.0.index and fd99::index.</summary>
    internal Host(int index, int mtu = 1500)
    {
        Index = index;
        var tag = $"{Environment.ProcessId % 100000}";
        Namespace = $"kbe{tag}-h{index}";
        Link = $"kbe{tag}v{index}";
        Mac = $"02:00:00:99:00:{index:x2}";
        Shell.Must($"ip netns add {Namespace}");
        try
        {
            Shell.Must($"ip link add {Link} mtu {mtu} type veth peer name eth0 mtu {mtu} netns {Namespace}");
            // The root end belongs to the switch: the kernel must not speak on it.
            File.WriteAllText($"/proc/sys/net/ipv6/conf/{Link}/disable_ipv6", "1");
            Shell.Must($"ip link set {Link} up");
            Ip($"link set eth0 address {Mac}");
            Configure();
            // veth leaves checksums and segmentation to a NIC that is not there.
            Must("ethtool -K eth0 tx off tso off gso off gro off");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private Host(int index, string tap)
    {
        Index = index;
        Namespace = $"kbe{Environment.ProcessId % 100000}-h{index}";
        Link = tap;
        Mac = $"02:00:00:99:00:{index:x2}";
        Shell.Must($"ip netns add {Namespace}");
        try
        {
            Shell.Must($"ip link set {tap} netns {Namespace}");
            Ip($"link set {tap} name eth0 address {Mac}");
            Configure();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Name of the tap interface that the switch makes for a host.</summary>
    internal static string TapName(int index) => $"kbt{Environment.ProcessId % 100000}n{index}";

    /// <summary>A host whose eth0 is the kernel's end of a tap port of the running switch.</summary>
    internal static Host OnTap(int index) => new(index, TapName(index));

    internal int Index { get; }

    internal string Namespace { get; }

    /// <summary>The root end of the veth.</summary>
    internal string Link { get; }

    internal string Mac { get; }

    internal string Address => $"10.99.0.{Index}";

    internal string Address6 => $"fd99::{Index}";

    private void Configure()
    {
        Ip("link set lo up");
        Ip($"addr add {Address}/24 dev eth0");
        Ip($"addr add {Address6}/64 dev eth0 nodad");
        Ip("link set eth0 up");
    }

    /// <summary>Runs ip(8) in the namespace.</summary>
    internal void Ip(string arguments) => Shell.Must($"ip -n {Namespace} {arguments}");

    /// <summary>Runs a command line in the namespace; it must succeed.</summary>
    internal string Must(string commandLine, int timeoutSeconds = 60) => Shell.Must($"ip netns exec {Namespace} {commandLine}", timeoutSeconds);

    /// <summary>Runs a program in the namespace.</summary>
    internal Shell.Result Run(string program, string[] arguments, int timeoutSeconds = 60, string? input = null) =>
        Shell.Run("ip", ["netns", "exec", Namespace, program, .. arguments], timeoutSeconds, input);

    /// <summary>Starts a program in the namespace that ends with the host at the latest.</summary>
    internal Process Start(string program, params string[] arguments)
    {
        var process = Shell.Start("ip", ["netns", "exec", Namespace, program, .. arguments]);
        _processes.Add(process);
        return process;
    }

    /// <summary>Pings; returns packets received.</summary>
    internal int Ping(string address, int count = 3, double interval = 0.2, int timeoutSeconds = 1)
    {
        var result = Run("ping", ["-c", $"{count}", "-i", $"{interval}", "-W", $"{timeoutSeconds}", address], 30 + count);
        return result.Output.Split('\n').Count(line => line.Contains("bytes from", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            try
            {
                if (!process.HasExited) process.Kill(entireProcessTree: true);
                process.WaitForExit(5000);
                process.Dispose();
            }
            catch (InvalidOperationException)
            {
                // The test has disposed of it: then it is among the namespace's processes, if it still runs.
            }
        }

        foreach (var pid in Shell.Run("ip", ["netns", "pids", Namespace]).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Shell.Run("kill", ["-9", pid]);
        Shell.Run("ip", ["link", "del", Link]);
        Shell.Run("ip", ["netns", "del", Namespace]);
    }
}
