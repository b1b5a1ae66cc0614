using KernelBypass.EndToEnd.Tests.Lab;

namespace KernelBypass.EndToEnd.Tests.Operations;

/// <summary>make run, as README has it.</summary>
public class DemonstrationTests
{
    [Fact]
    public void Make_run_shows_ping_iperf3_and_counters_and_leaves_the_machine_as_it_was()
    {
        var root = Path.GetFullPath(Path.Combine(SwitchUnderTest.Programs, "..", ".."));
        var before = Machine();
        var result = Shell.Run(
            "env", ["DEMO_ONCE=1", "DEMO_IPERF_SECONDS=2", Path.Combine(root, "deploy", "demo", "run.sh")], timeoutSeconds: 120);
        Assert.True(result.Code == 0, result.All);
        Assert.Contains("5 packets transmitted, 5 received", result.Output, StringComparison.Ordinal);
        Assert.Contains("receiver", result.Output, StringComparison.Ordinal);
        Assert.Contains("cookie=0x1", result.Output, StringComparison.Ordinal);
        Assert.Equal(before, Machine());
    }

    private static string Machine() =>
        Shell.Must("ip netns list") + Shell.Must("ip -o link show") + Shell.Run("pgrep", ["-f", "kernelbypass-demo"]).Output
        + string.Join(' ', Directory.GetFileSystemEntries("/run", "kernelbypass*"));
}
