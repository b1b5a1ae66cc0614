using System.Text.Json.Serialization;
using KernelBypass.Channel;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.DataPlane.Configuration;

/// <summary>
/// The data plane's configuration: a JSON file that kernelbypassd renders from its YAML, with the same keys and defaults. Unknown
/// keys are
/// refused. Properties have setters, as the JSON source generator loses the defaults of init-only ones.
/// </summary>
internal sealed record DataPlaneConfig
{
    public string RunDir { get; set; } = RunDirectory.Default;
    public EalConfig Eal { get; set; } = new();
    public MempoolConfig Mempool { get; set; } = new();
    public LimitsConfig Limits { get; set; } = new();
    public IdleConfig Idle { get; set; } = new();
    public PipelineConfig Pipeline { get; set; } = new();
    public LoggingConfig Logging { get; set; } = new();
}

/// <summary>DPDK's environment.</summary>
internal sealed record EalConfig
{
    /// <summary>As EAL's --lcores: "0-3", "0@0,1@1".</summary>
    public string Lcores { get; set; } = "0-1";

    /// <summary>The lcore for commands and timeouts; the others move packets.</summary>
    public int MainLcore { get; set; }
    public bool Hugepages { get; set; } = true;

    /// <summary>Megabytes; 0: DPDK's default.</summary>
    public int MemoryMb { get; set; }

    /// <summary>Empty: one of this process's own.</summary>
    public string FilePrefix { get; set; } = "";
    public IReadOnlyList<string> PciAllow { get; set; } = [];
    public IReadOnlyList<string> Vdevs { get; set; } = [];

    /// <summary>auto, va or pa.</summary>
    public string IovaMode { get; set; } = "auto";
}

/// <summary>Packet memory of each NUMA node.</summary>
internal sealed record MempoolConfig
{
    public int Mbufs { get; set; } = 65_535;

    /// <summary>Mbufs that each lcore keeps.</summary>
    public int Cache { get; set; } = 256;
    public int DataRoomBytes { get; set; } = 2_176;
}

/// <summary>What the switch holds at most.</summary>
internal sealed record LimitsConfig
{
    public int Tables { get; set; } = 64;
    public uint Flows { get; set; } = 1 << 20;
    public uint FlowsPerTable { get; set; } = 1 << 20;
    public int ActionsPerFlow { get; set; } = 64;
    public int Masks { get; set; } = 1024;
    public int BatchFlows { get; set; } = 65_536;
    public int Macs { get; set; } = 65_536;
    public int MacAgeS { get; set; } = 300;
    public int Ports { get; set; } = 256;

    /// <summary>Packet-ins that may wait for the main lcore.</summary>
    public int PacketInRing { get; set; } = 2048;

    /// <summary>Packets that the main lcore may have handed to a worker.</summary>
    public int PacketOutRing { get; set; } = 2048;

    /// <summary>How often idle and hard timeouts are looked at.</summary>
    public int TimeoutSweepMs { get; set; } = 200;

    /// <summary>Counter instances in metrics.shm.</summary>
    public int Metrics { get; set; } = MetricsWriter.DefaultInstances;
}

/// <summary>How idle lcores back off.</summary>
internal sealed record IdleConfig
{
    /// <summary>Empty polls before an lcore starts to pause.</summary>
    public int SpinPolls { get; set; } = 1000;

    /// <summary>Empty polls with pauses before it starts to sleep.</summary>
    public int PausePolls { get; set; } = 1000;

    /// <summary>Longest sleep of a worker lcore: the latency that idling may add. 0: never sleeps.</summary>
    public int MaxSleepUs { get; set; } = 1000;

    /// <summary>Longest wait of the main lcore for a command, which wakes it: bounds the latency of packet-ins, which do
    /// not.</summary>
    public int MainWaitUs { get; set; } = 5000;
}

/// <summary>The stages in the order of a packet's way, and where they run. Empty: the default.</summary>
internal sealed record PipelineConfig
{
    public IReadOnlyList<StageConfig> Stages { get; set; } = [];
    public IReadOnlyList<ChainConfig> Placement { get; set; } = [];
}

/// <summary>One stage.</summary>
internal sealed record StageConfig
{
    /// <summary>Empty: its kind.</summary>
    public string Name { get; set; } = "";
    public string Kind { get; set; } = "";
    public IReadOnlyDictionary<string, long> Options { get; set; } = new Dictionary<string, long>();
}

/// <summary>Consecutive stages on lcores.</summary>
internal sealed record ChainConfig
{
    public IReadOnlyList<string> Stages { get; set; } = [];
    public IReadOnlyList<int> Lcores { get; set; } = [];
}

/// <summary>The process's own log, on standard output.</summary>
internal sealed record LoggingConfig
{
    /// <summary>trace, debug, information, warning, error.</summary>
    public string Level { get; set; } = "information";

    /// <summary>text or json.</summary>
    public string Format { get; set; } = "text";
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
