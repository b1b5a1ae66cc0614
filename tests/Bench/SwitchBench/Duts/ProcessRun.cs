using System.Diagnostics;

namespace KernelBypass.SwitchBench.Duts;

/// <summary>Starts and ends processes of the rig.</summary>
internal static class ProcessRun
{
    /// <summary>Starts a shell command line with its output in a log file.</summary>
    internal static Process Start(string command, string log) =>
        Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"exec {command} >>{log} 2>&1 </dev/null"]))
        ?? throw new InvalidOperationException($"could not start: {command}");

    /// <summary>Runs a shell command line; it must succeed.</summary>
    internal static string Must(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output
            : throw new InvalidOperationException($"{command}: exit code {process.ExitCode}: {error.GetAwaiter().GetResult()}{output}");
    }

    /// <summary>Asks a process to end, and makes it.</summary>
    internal static void Stop(Process? process, string signal = "INT")
    {
        if (process is null || process.HasExited) return;
        Must($"kill -{signal} {process.Id} || true");
        if (!process.WaitForExit(15000)) process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
    }

    /// <summary>Waits for a condition.</summary>
    internal static async Task UntilAsync(Func<Task<bool>> condition, double seconds, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed.TotalSeconds > seconds) throw new TimeoutException($"{what} did not happen within {seconds} s");
            await Task.Delay(100);
        }
    }
}
