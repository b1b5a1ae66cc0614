using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Configuration;

/// <summary>The whole configuration, bound and checked; immutable. Meanings and units: <see cref="ConfigSchema"/>.</summary>
internal sealed record DaemonConfig(
    DataPlaneConfig DataPlane,
    EalConfig Eal,
    MempoolConfig Mempool,
    LimitsConfig Limits,
    IdleConfig Idle,
    IReadOnlyList<PortConfig> Ports,
    PipelineConfig Pipeline,
    IReadOnlyList<StaticFlow> Flows,
    GrpcConfig Grpc,
    TelemetryConfig Telemetry,
    LoggingConfig Logging,
    JournalConfig Journal);

internal sealed record DataPlaneConfig(
    bool External,
    string Path,
    string RunDir,
    int StartTimeoutMs,
    int StopTimeoutMs,
    int CommandTimeoutMs,
    int BackoffMinMs,
    int BackoffMaxMs,
    int BackoffResetMs);

internal sealed record EalConfig(
    string Lcores,
    int MainLcore,
    bool Hugepages,
    int MemoryMb,
    string FilePrefix,
    IReadOnlyList<string> PciAllow,
    IReadOnlyList<string> Vdevs,
    string IovaMode);

internal sealed record MempoolConfig(int Mbufs, int Cache, int DataRoomBytes);

internal sealed record LimitsConfig(
    int Tables,
    int Flows,
    int FlowsPerTable,
    int ActionsPerFlow,
    int Masks,
    int BatchFlows,
    int Macs,
    int MacAgeSeconds,
    int Ports,
    int PacketInRing,
    int PacketOutRing,
    int TimeoutSweepMs,
    int Metrics,
    int WatchQueue,
    int Watchers)
{
    /// <summary>What a flow is checked against.</summary>
    internal FlowLimits ForFlows => new((byte)Tables, ActionsPerFlow);
}

internal sealed record IdleConfig(int SpinPolls, int PausePolls, int MaxSleepUs, int MainWaitUs);

internal sealed record PortConfig(
    string Name,
    int Number,
    string Device,
    int RxQueues,
    int TxQueues,
    int RxDescriptors,
    int TxDescriptors,
    int Mtu,
    bool Promiscuous,
    bool Allmulticast,
    string Mac,
    bool NoFlood,
    bool AdminDown)
{
    /// <summary>The device's driver-independent name: a PCI address or the vdev's name without arguments.</summary>
    internal string DeviceName => Device.Split(',')[0];

    /// <summary>Whether the device is a PCI address.</summary>
    internal bool IsPci => !Device.StartsWith("net_", StringComparison.Ordinal);

    /// <summary>Whether everything that needs a new attachment is the same.</summary>
    internal bool SameDevice(PortConfig other) => this with
    {
        Mtu = other.Mtu,
        Promiscuous = other.Promiscuous,
        Allmulticast = other.Allmulticast,
        Mac = other.Mac,
        NoFlood = other.NoFlood,
        AdminDown = other.AdminDown,
    } == other;
}

internal sealed record StageConfig(string Name, string Kind, IReadOnlyDictionary<string, long> Options);

internal sealed record ChainConfig(IReadOnlyList<string> Stages, IReadOnlyList<int> Lcores)
{
    public bool Equals(ChainConfig? other) =>
        other is not null && Stages.SequenceEqual(other.Stages) && Lcores.SequenceEqual(other.Lcores);

    public override int GetHashCode() => HashCode.Combine(Stages.Count, Lcores.Count);
}

internal sealed record PipelineConfig(IReadOnlyList<StageConfig> Stages, IReadOnlyList<ChainConfig> Placement);

/// <summary>A flow of the configuration: as written, and as encoded.</summary>
internal sealed record StaticFlow(string Text, byte[] Spec);

internal sealed record GrpcConfig(
    string SocketPath,
    UnixFileMode SocketMode,
    string TcpListen,
    string TlsCertificate,
    string TlsKey,
    string ClientCa,
    int MaxMessageBytes,
    int MaxStreams,
    bool TestService);

internal sealed record TelemetryConfig(string PrometheusListen, string OtlpEndpoint, bool OtlpHttp, int OtlpIntervalMs);

internal sealed record LoggingConfig(string Level, bool Json);

/// <summary>When the journal is forced to the disk.</summary>
internal enum JournalSync
{
    Never,
    Interval,
    Always,
}

internal sealed record JournalConfig(string Path, JournalSync Sync, int SyncIntervalMs, long CompactBytes);
