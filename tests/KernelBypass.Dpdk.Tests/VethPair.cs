using System.Diagnostics;

namespace KernelBypass.Dpdk.Tests;

/// <summary>Two joined kernel interfaces, up, without IPv6 chatter; removed at the end. Needs root.</summary>
internal sealed class VethPair : IDisposable
{
    internal VethPair(string stem)
    {
        A = stem + "a";
        B = stem + "b";
        Ip("link", "add", A, "type", "veth", "peer", "name", B);
        foreach (string name in new[] { A, B })
        {
            File.WriteAllText($"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "1");
            Ip("link", "set", name, "up");
        }
    }

    internal string A { get; }

    internal string B { get; }

    public void Dispose() => Ip("link", "del", A);

    internal static void Ip(params string[] arguments)
    {
        (int code, string error) = Run(arguments);
        if (code != 0)
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {error} These tests need root and iproute2.");
    }

    private static (int Code, string Error) Run(string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error.Trim());
    }
}
