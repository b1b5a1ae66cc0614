using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using KernelBypass.Channel;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Daemon.Configuration;

namespace KernelBypass.Daemon.Supervision;

/// <summary>
/// Starts and ends the data-plane process. It gets a session of its own, a log file for its output and no pipe of ours, so that it
/// outlives this process however that ends.
/// </summary>
internal sealed class DataPlaneProcess(DaemonConfig config) : IDisposable
{
    // The shell replaces itself: the process that we watch is the data plane, without descriptors of ours.
    private const string Script = "exec setsid \"$@\" </dev/null >>\"$0\" 2>&1";
    private Process? _process;

    internal string LogPath => Path.Combine(config.DataPlane.RunDir, "dataplane.log");

    internal string DocumentPath => Path.Combine(config.DataPlane.RunDir, "dataplane.json");

    /// <summary>Whether a process that was started here has ended, and how.</summary>
    internal string? Ended => _process is { HasExited: true } ? $"it ended with code {_process.ExitCode}: {LastWords()} ({LogPath})" : null;

    /// <summary>The last line of its log that says why it ended.</summary>
    private string LastWords()
    {
        try
        {
            // Why it ended is its last critical line; what a clean-up says after that is not.
            var lines = File.ReadLines(LogPath).Where(line => line.Length > 0).TakeLast(50).ToList();
            return lines.LastOrDefault(line => line.Contains(" crit: ", StringComparison.Ordinal)) ?? lines.LastOrDefault() ?? "it said nothing";
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    /// <summary>SHA-256 of the document, in hexadecimal, as the data plane tells it in its introduction.</summary>
    internal string Digest => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(DataPlaneDocument.Render(config))));

    /// <summary>Starts the process.</summary>
    /// <exception cref="IOException">The run directory cannot be written.</exception>
    /// <exception cref="Win32Exception">The shell cannot be started.</exception>
    internal void Start()
    {
        var path = HostInventory.FindExecutable(config.DataPlane.Path)
            ?? throw new IOException($"no executable '{config.DataPlane.Path}': give dataplane.path");
        Directory.CreateDirectory(config.DataPlane.RunDir);
        File.WriteAllText(DocumentPath, DataPlaneDocument.Render(config));
        if (File.Exists(LogPath)) File.Move(LogPath, LogPath + ".1", overwrite: true);
        _process?.Dispose();
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        foreach (var argument in (string[])["-c", Script, LogPath, path, "--config", DocumentPath]) start.ArgumentList.Add(argument);
        // What systemd said to us is not for it.
        start.Environment.Remove("NOTIFY_SOCKET");
        start.Environment.Remove("WATCHDOG_USEC");
        _process = Process.Start(start);
    }

    /// <summary>The pid of the data plane that holds the run directory, or 0.</summary>
    internal int RunningPid()
    {
        var path = new RunDirectory(config.DataPlane.RunDir).DataPlaneLock;
        if (!File.Exists(path)) return 0;
        using var probe = SharedLock.OpenProbe(path);
        return probe.IsHeld ? probe.Pid : 0;
    }

    /// <summary>
    /// Whether the data plane that holds the lock has made its channel: what a killed one left in the directory must not be
    /// taken for it. The pid stands in the channel's head (<see cref="ControlLayout.DataPlanePid"/>).
    /// </summary>
    internal bool IsReady()
    {
        const int PidOffset = 24;
        var pid = RunningPid();
        if (pid == 0 || !Directory.Exists($"/proc/{pid}")) return false;
        try
        {
            var path = new RunDirectory(config.DataPlane.RunDir).Control;
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Span<byte> head = stackalloc byte[4];
            return RandomAccess.Read(file, head, PidOffset) == head.Length && BinaryPrimitives.ReadUInt32LittleEndian(head) == pid;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Waits until no data plane holds the run directory; false when the time is over.</summary>
    internal async Task<bool> WaitForEndAsync(int timeoutMs)
    {
        var deadline = Environment.TickCount64 + timeoutMs;
        while (RunningPid() != 0)
        {
            if (Environment.TickCount64 > deadline) return false;
            await Task.Delay(10).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>Ends a process at once.</summary>
    internal static void Kill(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            process.Kill();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            // It has ended by itself.
        }
    }

    public void Dispose() => _process?.Dispose();
}
