namespace KernelBypass.Channel;

/// <summary>Names of the files that the two processes share, all in one directory.</summary>
public sealed class RunDirectory
{
    /// <summary>Where they stand when nothing is configured.</summary>
    public const string Default = "/run/kernelbypass";

    // sockaddr_un.sun_path holds 108 bytes with its closing zero (unix(7)); the longest name here is "dataplane.bell".
    private const int MaxPathBytes = 107 - 15;

    /// <summary>Checks the path; creates nothing.</summary>
    /// <exception cref="ChannelException">The path is too long for a unix socket.</exception>
    public RunDirectory(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        if (System.Text.Encoding.UTF8.GetByteCount(Path) > MaxPathBytes)
            throw new ChannelException(
                $"run_dir '{Path}' is longer than {MaxPathBytes} bytes: unix sockets cannot stand there; choose a shorter one");
    }

    /// <summary>The directory itself.</summary>
    public string Path { get; }

    /// <summary>Rings, heads and cursors (<see cref="SharedMemory.ControlLayout"/>).</summary>
    public string Control => System.IO.Path.Combine(Path, "control.shm");

    /// <summary>Self-describing counters.</summary>
    public string Metrics => System.IO.Path.Combine(Path, "metrics.shm");

    /// <summary>Packets and bytes for each flow slot and lcore.</summary>
    public string FlowStats => System.IO.Path.Combine(Path, "flowstats.shm");

    /// <summary>Locked, and holding the pid, while a data plane lives.</summary>
    public string DataPlaneLock => System.IO.Path.Combine(Path, "dataplane.lock");

    /// <summary>Locked, and holding the pid, while a control plane is attached.</summary>
    public string DaemonLock => System.IO.Path.Combine(Path, "daemon.lock");

    /// <summary>Wakes the data plane's main lcore.</summary>
    public string DataPlaneBell => System.IO.Path.Combine(Path, "dataplane.bell");

    /// <summary>Wakes the control plane's channel thread.</summary>
    public string DaemonBell => System.IO.Path.Combine(Path, "daemon.bell");
}
