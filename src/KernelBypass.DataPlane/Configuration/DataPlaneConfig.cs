using System.Text.Json.Serialization;
using KernelBypass.Channel;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.DataPlane.Configuration;

/// <summary>
/// The data plane's configuration: a JSON file that kernelbypassd renders from its YAML, with the same keys and defaults. Unknown keys are
/// refused.
/// </summary>
internal sealed record DataPlaneConfig
{
    public string RunDir { get; init; } = RunDirectory.Default;
    public EalConfig Eal { get; init; } = new();
    public MempoolConfig Mempool { get; init; } = new();
    public LimitsConfig Limits { get; init; } = new();
    public IdleConfig Idle { get; init; } = new();
    public PipelineConfig Pipeline { get; init; } = new();
    public LoggingConfig Logging { get; init; } = new();
}

/// <summary>DPDK's environment.</summary>
internal sealed record EalConfig
{
    /// <summary>As EAL's --lcores: "0-3", "0@0,1@1".</summary>
    public string Lcores { get; init; } = "0-1";

    /// <summary>The lcore for commands and timeouts; the others move packets.</summary>
    public int MainLcore { get; init; }
    public bool Hugepages { get; init; } = true;

    /// <summary>Megabytes; 0: DPDK's default.</summary>
    public int MemoryMb { get; init; }

    /// <summary>Empty: one of this process's own.</summary>
    public string FilePrefix { get; init; } = "";
    public IReadOnlyList<string> PciAllow { get; init; } = [];
    public IReadOnlyList<string> Vdevs { get; init; } = [];

    /// <summary>auto, va or pa.</summary>
    public string IovaMode { get; init; } = "auto";
}

/// <summary>Packet memory of each NUMA node.</summary>
internal sealed record MempoolConfig
{
    public int Mbufs { get; init; } = 65_535;

    /// <summary>Mbufs that each lcore keeps.</summary>
    public int Cache { get; init; } = 256;
    public int DataRoomBytes { get; init; } = 2_176;
}

/// <summary>What the switch holds at most.</summary>
internal sealed record LimitsConfig
{
    public int Tables { get; init; } = 64;
    public uint Flows { get; init; } = 1 << 20;
    public uint FlowsPerTable { get; init; } = 1 << 20;
    public int ActionsPerFlow { get; init; } = 64;
    public int Masks { get; init; } = 1024;
    public int BatchFlows { get; init; } = 65_536;
    public int Macs { get; init; } = 65_536;
    public int MacAgeS { get; init; } = 300;
    public int Ports { get; init; } = 256;

    /// <summary>Packet-ins that may wait for the main lcore.</summary>
    public int PacketInRing { get; init; } = 2048;

    /// <summary>Packets that the main lcore may have handed to a worker.</summary>
    public int PacketOutRing { get; init; } = 2048;

    /// <summary>How often idle and hard timeouts are looked at.</summary>
    public int TimeoutSweepMs { get; init; } = 200;

    /// <summary>Counter instances in metrics.shm.</summary>
    public int Metrics { get; init; } = MetricsWriter.DefaultInstances;
}

/// <summary>How idle lcores back off.</summary>
internal sealed record IdleConfig
{
    public int SpinUs { get; init; } = 20;
    public int PauseUs { get; init; } = 50;

    /// <summary>Longest sleep of a worker lcore: the latency that idling may add. 0: never sleeps.</summary>
    public int MaxSleepUs { get; init; } = 250;

    /// <summary>Longest wait of the main lcore for a command, which wakes it: bounds the latency of packet-ins, which do not.</summary>
    public int MainWaitUs { get; init; } = 1000;
}

/// <summary>The stages in the order of a packet's way, and where they run. Empty: the default.</summary>
internal sealed record PipelineConfig
{
    public IReadOnlyList<StageConfig> Stages { get; init; } = [];
    public IReadOnlyList<ChainConfig> Placement { get; init; } = [];
}

/// <summary>One stage.</summary>
internal sealed record StageConfig
{
    /// <summary>Empty: its kind.</summary>
    public string Name { get; init; } = "";
    public string Kind { get; init; } = "";
    public IReadOnlyDictionary<string, long> Options { get; init; } = new Dictionary<string, long>();
}

/// <summary>Consecutive stages on lcores.</summary>
internal sealed record ChainConfig
{
    public IReadOnlyList<string> Stages { get; init; } = [];
    public IReadOnlyList<int> Lcores { get; init; } = [];
}

/// <summary>The process's own log, on standard output.</summary>
internal sealed record LoggingConfig
{
    /// <summary>trace, debug, information, warning, error.</summary>
    public string Level { get; init; } = "information";

    /// <summary>text or json.</summary>
    public string Format { get; init; } = "text";
}

/// <summary>Source-generated JSON of the configuration.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    ReadCommentHandling = System.Text.Json.JsonCommentHandling.Skip,
    AllowTrailingCommas = true)]
[JsonSerializable(typeof(DataPlaneConfig))]
internal sealed partial class DataPlaneConfigJson : JsonSerializerContext;
