using KernelBypass.Model.Declarations;

namespace KernelBypass.Channel.Messages;

/// <summary>Consecutive stages on lcores, as in proto's Placement.</summary>
public sealed record ChainPlacement(IReadOnlyList<string> Stages, IReadOnlyList<int> Lcores);

/// <summary>The whole placement.</summary>
public sealed record PlacementRequest(IReadOnlyList<ChainPlacement> Chains);

/// <summary>A stage as it stands; its counters are in metrics.shm.</summary>
public sealed record StageDescription
{
    public int Index { get; init; }
    public string Name { get; set; } = "";
    public string Kind { get; set; } = "";
    public IReadOnlyList<int> Lcores { get; set; } = [];

    /// <summary>Packets waiting in the rings before it; 0 and size 0 when it is called directly.</summary>
    public uint RingUsed { get; init; }
    public uint RingSize { get; init; }
    public IReadOnlyDictionary<string, long> Options { get; set; } = new Dictionary<string, long>();
}

/// <summary>All stages, in order of the chain.</summary>
public sealed record StageList(IReadOnlyList<StageDescription> Stages);

/// <summary>All kinds of stage.</summary>
public sealed record StageKindList(IReadOnlyList<StageDeclaration> Kinds);

/// <summary>An lcore as it stands; its counters are in metrics.shm.</summary>
public sealed record LcoreDescription
{
    public int Id { get; init; }
    public int Cpu { get; init; }

    /// <summary>main, worker or idle.</summary>
    public string Role { get; set; } = "";
    public IReadOnlyList<string> Stages { get; set; } = [];

    /// <summary>Ports and queues polled: "p0/0".</summary>
    public IReadOnlyList<string> Queues { get; set; } = [];
}

/// <summary>All lcores.</summary>
public sealed record LcoreList(IReadOnlyList<LcoreDescription> Lcores);

/// <summary>A reason for dropping; its index in the list is the number in records, and its counters are in metrics.shm.</summary>
public sealed record DropReasonDescription(string Stage, string Reason, string Description);

/// <summary>All reasons.</summary>
public sealed record DropReasonList(IReadOnlyList<DropReasonDescription> Reasons);

/// <summary>A learnt address.</summary>
public sealed record MacDescription(string Mac, int Vlan, uint Port, ulong AgeMs);

/// <summary>All learnt addresses and the room for them.</summary>
public sealed record MacList(IReadOnlyList<MacDescription> Macs, uint MaxMacs);

/// <summary>How many addresses were forgotten.</summary>
public sealed record MacFlushed(uint Flushed);

/// <summary>A flow table as it stands.</summary>
public sealed record TableDescription(int TableId, ulong Flows, ulong MaxFlows, ulong Lookups, ulong Matches, uint Masks);

/// <summary>Tables with flows, and those with lookups.</summary>
public sealed record TableList(IReadOnlyList<TableDescription> Tables);
