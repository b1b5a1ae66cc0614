namespace KernelBypass.Channel.Client;

/// <summary>How a daemon talks to its data plane.</summary>
public sealed record ControlClientOptions
{
    /// <summary>This process's release, for the data plane's log.</summary>
    public string Version { get; init; } = "";

    /// <summary>Longest wait for the data plane to notice a daemon that attaches.</summary>
    public TimeSpan AttachTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for an answer, port and placement commands apart.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait for an answer to a port or placement command: devices are slow to start.</summary>
    public TimeSpan PortTimeout { get; init; } = TimeSpan.FromSeconds(60);
}
