namespace KernelBypass.Dpdk;

/// <summary>How EAL chooses I/O addresses.</summary>
public enum IovaMode
{
    /// <summary>EAL decides by the devices.</summary>
    Auto,

    /// <summary>Virtual addresses: needs an IOMMU for PCI devices.</summary>
    Virtual,

    /// <summary>Physical addresses: needs root.</summary>
    Physical,
}

/// <summary>What happens to the files behind hugepages.</summary>
public enum HugeUnlink
{
    /// <summary>No file outlives the process, not even after a crash.</summary>
    Always,

    /// <summary>The files stay and are used again by the next process of the prefix (DPDK's own default).</summary>
    Existing,
}

/// <summary>The configuration of EAL. Everything is checked before DPDK sees it; see <see cref="ToArguments"/>.</summary>
public sealed record EalOptions
{
    /// <summary>
    /// The lcores and their CPUs as EAL's --lcores takes them: "0@0,1@1", "0-3", "(0-1)@0". Null: one lcore a CPU.
    /// </summary>
    public string? Lcores { get; init; }

    /// <summary>Which lcore is the main one; null: the first.</summary>
    public uint? MainLcore { get; init; }

    /// <summary>
    /// Whether the main lcore's thread stays on its CPUs. Otherwise it gets back the affinity of the thread that called
    /// <see cref="Eal.Initialize"/>. No other managed thread is touched either way.
    /// </summary>
    public bool PinMainLcore { get; init; } = true;

    /// <summary>Ordinary pages instead of hugepages: no root needed, no PCI device possible.</summary>
    public bool NoHuge { get; init; }

    /// <summary>Memory to take, MB (-m). Null: 256 with <see cref="NoHuge"/>, else what is used.</summary>
    public uint? MemoryMegabytes { get; init; }

    /// <summary>Hugepages to take at the start on each NUMA node, MB (--socket-mem).</summary>
    public IReadOnlyList<uint> SocketMemoryMegabytes { get; init; } = [];

    /// <summary>Most memory on each NUMA node, MB (--socket-limit).</summary>
    public IReadOnlyList<uint> SocketLimitMegabytes { get; init; } = [];

    /// <summary>Where hugetlbfs is mounted; null: EAL finds it.</summary>
    public string? HugeDirectory { get; init; }

    /// <summary>No files at all for memory and configuration. Not together with <see cref="NoHuge"/>.</summary>
    public bool InMemory { get; init; }

    /// <summary>What becomes of hugepage files; without effect in memory or without hugepages.</summary>
    public HugeUnlink HugeUnlink { get; init; } = HugeUnlink.Always;

    /// <summary>
    /// Name of the run-time directory and of hugepage files; one process at a time has it. Null: one of this process alone.
    /// </summary>
    public string? FilePrefix { get; init; }

    /// <summary>Do not scan the PCI bus.</summary>
    public bool NoPci { get; init; }

    /// <summary>PCI addresses (with device arguments) to use; empty: all that are bound to a DPDK driver.</summary>
    public IReadOnlyList<string> AllowPci { get; init; } = [];

    /// <summary>PCI addresses to leave alone.</summary>
    public IReadOnlyList<string> BlockPci { get; init; } = [];

    /// <summary>
    /// Virtual devices to make with EAL. One that fails fails EAL: prefer <see cref="Port.Attach"/>, whose errors are its own.
    /// </summary>
    public IReadOnlyList<string> Vdevs { get; init; } = [];

    /// <summary>How I/O addresses are chosen.</summary>
    public IovaMode IovaMode { get; init; }

    /// <summary>The most detailed log lines wanted.</summary>
    public DpdkLogLevel LogLevel { get; init; } = DpdkLogLevel.Info;

    /// <summary>Levels of single components by DPDK's pattern, for example "lib.eal" or "pmd.net.*"; they win.</summary>
    public IReadOnlyDictionary<string, DpdkLogLevel> ComponentLogLevels { get; init; } = new Dictionary<string, DpdkLogLevel>();

    /// <summary>DPDK's own telemetry socket and its thread.</summary>
    public bool Telemetry { get; init; }

    /// <summary>More EAL arguments, as they are, behind all others.</summary>
    public IReadOnlyList<string> ExtraArguments { get; init; } = [];

    /// <summary>The prefix in force: <see cref="FilePrefix"/> or this process's own.</summary>
    public string EffectiveFilePrefix => FilePrefix ?? $"{OwnPrefix}{Environment.ProcessId}";

    internal const string OwnPrefix = "kernelbypass-";

    /// <summary>
    /// EAL's command line, without the program's name. Throws <see cref="EalException"/> that names the option, what is wrong
    /// with it and the remedy.
    /// </summary>
    public IReadOnlyList<string> ToArguments() => EalArguments.Build(this);
}
