namespace KernelBypass.Channel.Messages;

/// <summary>A daemon's introduction.</summary>
public sealed record HelloRequest(string Version, int Pid);

/// <summary>The data plane's introduction.</summary>
public sealed record HelloAnswer
{
    public string Version { get; set; } = "";
    public string DpdkVersion { get; set; } = "";
    public int Pid { get; init; }

    /// <summary>Tells one data plane from the next: flows that another one knew are not in this one.</summary>
    public long StartedUnixNs { get; init; }
    public byte Tables { get; init; }
    public int ActionsPerFlow { get; init; }
    public uint MaxFlows { get; init; }
    public int BatchFlows { get; init; }
    public int WorkerLcores { get; init; }

    /// <summary>The configuration file's bytes, hashed (SHA-256, hex): a supervisor sees whether a restart is needed.</summary>
    public string ConfigDigest { get; set; } = "";
}

/// <summary>The data plane as it stands.</summary>
public sealed record StatusAnswer
{
    public string State { get; set; } = "";
    public ulong UptimeMs { get; init; }
    public ulong Flows { get; init; }
    public ulong MaxFlows { get; init; }
    public int Ports { get; init; }
    public int GcCollections { get; init; }
    public long AllocatedBytes { get; init; }
}

/// <summary>An answer with nothing in it.</summary>
public sealed record Done;

/// <summary>A request with nothing in it.</summary>
public sealed record Nothing;

/// <summary>Ends the data plane.</summary>
/// <param name="DrainMs">Longest time to hand on what has been received.</param>
public sealed record ShutdownRequest(int DrainMs);
