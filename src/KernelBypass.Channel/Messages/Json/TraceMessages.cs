namespace KernelBypass.Channel.Messages;

/// <summary>Asks what would become of a packet.</summary>
public sealed record ExplainRequest(uint InPort, byte[] Packet);

/// <summary>One step of a packet's way.</summary>
public sealed record ExplainStep
{
    /// <summary>parse, table, action, output, drop, punt.</summary>
    public string Kind { get; set; } = "";
    public string Text { get; set; } = "";
    public int? TableId { get; init; }

    /// <summary>The flow that matched, or null.</summary>
    public uint? Slot { get; init; }
    public uint? Generation { get; init; }
}

/// <summary>A packet as it would leave.</summary>
public sealed record ExplainOutput(uint Port, byte[] Packet);

/// <summary>What became, or would become, of a packet.</summary>
public sealed record ExplainAnswer
{
    public string Packet { get; set; } = "";
    public IReadOnlyList<ExplainStep> Steps { get; set; } = [];
    public IReadOnlyList<ExplainOutput> Outputs { get; set; } = [];

    /// <summary>Set when it is dropped.</summary>
    public string DropReason { get; set; } = "";
    public string Verdict { get; set; } = "";
}

/// <summary>Starts a trace.</summary>
/// <param name="Match">Encoded match items (empty: all packets).</param>
/// <param name="MaxPackets">Ends after so many.</param>
/// <param name="DurationMs">Ends after so long; 0: when stopped.</param>
public sealed record TraceRequest(byte[] Match, uint MaxPackets, ulong DurationMs);

/// <summary>A trace runs.</summary>
public sealed record TraceStarted(uint Id);

/// <summary>Ends a trace or capture.</summary>
public sealed record StopRequest(uint Id);

/// <summary>Starts a capture.</summary>
public sealed record CaptureRequest
{
    /// <summary>Port numbers; empty with no stages: all ports.</summary>
    public IReadOnlyList<uint> Ports { get; set; } = [];
    public bool Receive { get; set; } = true;
    public bool Transmit { get; set; } = true;

    /// <summary>Stage names; "drops" stands for every dropped packet.</summary>
    public IReadOnlyList<string> Stages { get; set; } = [];

    /// <summary>Encoded match items (empty: all packets).</summary>
    public byte[] Match { get; set; } = [];

    /// <summary>Bytes kept of each packet; 0: all.</summary>
    public uint SnapLength { get; init; }
    public ulong MaxPackets { get; init; }
    public ulong DurationMs { get; init; }
}

/// <summary>A capture runs.</summary>
public sealed record CaptureStarted(uint Id);
