using System.Diagnostics;
using System.Globalization;
using System.Text;
using KernelBypass.Channel;
using KernelBypass.Channel.Client;

namespace KernelBypass.DataPlane.Tests;

/// <summary>A data plane as a process of its own, in a directory of its own, without hugepages.</summary>
internal sealed class DataPlaneProcess : IAsyncDisposable
{
    private readonly StringBuilder _output = new();

    private DataPlaneProcess(string directory, Process process)
    {
        Directory = directory;
        Process = process;
    }

    internal string Directory { get; }

    internal Process Process { get; }

    internal RunDirectory Run => new(Path.Combine(Directory, "run"));

    internal string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    internal static string Program => Path.Combine(AppContext.BaseDirectory, "kernelbypass-dataplane");

    internal static DataPlaneProcess Start(string extraConfig = "")
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("kb-dp-").FullName;
        var config = Path.Combine(directory, "dp.json");
        var prefix = "kbdptest" + Path.GetFileName(directory);
        File.WriteAllText(config, $$"""
            { "run_dir": "{{directory}}/run", "eal": { "lcores": "0-1", "main_lcore": 0, "hugepages": false, "memory_mb": 256,
              "file_prefix": "{{prefix}}" }, "mempool": { "mbufs": 8191 },
              "limits": { "flows": 200000, "timeout_sweep_ms": 20 } {{extraConfig}} }
            """);
        var dataPlane = new DataPlaneProcess(directory, Launch("--config", config));
        dataPlane.Process.OutputDataReceived += (_, line) => dataPlane.Keep(line.Data);
        dataPlane.Process.ErrorDataReceived += (_, line) => dataPlane.Keep(line.Data);
        dataPlane.Process.BeginOutputReadLine();
        dataPlane.Process.BeginErrorReadLine();
        return dataPlane;
    }

    internal static Process Launch(params string[] arguments) => Process.Start(
        new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;

    /// <summary>Attaches as soon as the data plane forwards.</summary>
    internal Task<ControlClient> AttachAsync(IChannelEventHandler? handler = null) => AttachAsync(handler, anyProcess: false);

    /// <summary>The same, to another process in the same directory.</summary>
    internal Task<ControlClient> AttachRetryAsync() => AttachAsync(null, anyProcess: true);

    private async Task<ControlClient> AttachAsync(IChannelEventHandler? handler, bool anyProcess)
    {
        for (var watch = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            try
            {
                var client = await ControlClient.AttachAsync(
                    Run, handler ?? new SilentEvents(), new() { AttachTimeout = TimeSpan.FromSeconds(20) });
                return client;
            }
            catch (ChannelException e)
            {
                if ((Process.HasExited && !anyProcess) || watch.Elapsed.TotalSeconds > 30) throw new InvalidOperationException(
                    $"{e.Message}\n{Output}", e);
            }
        }
    }

    internal void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    internal async Task<int> TerminateAsync()
    {
        Signal("TERM");
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        await Process.WaitForExitAsync(limit.Token);
        return Process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!Process.HasExited)
        {
            Process.Kill();
            await Process.WaitForExitAsync();
        }

        Process.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private void Keep(string? line)
    {
        lock (_output) _output.AppendLine(line);
    }
}
