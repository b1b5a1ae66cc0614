namespace KernelBypass.Model.Flows;

/// <summary>Actions. The numbers are those of the flow codec; never reuse one.</summary>
public enum ActionKind : byte
{
    None = 0,

    /// <summary>Send to a port. Payload: u32 port, u16 max_len (only for <see cref="ReservedPort.Controller"/>).</summary>
    Output = 1,

    /// <summary>Drop at once, counted as an explicit drop. No payload.</summary>
    Drop = 2,

    /// <summary>Write a header field. Payload: u8 field, the value in network order.</summary>
    SetField = 3,

    /// <summary>Push a VLAN tag (TCI zero, or copied from the outer tag). Payload: u16 TPID, 0x8100 or 0x88a8.</summary>
    PushVlan = 4,

    /// <summary>Remove the outermost VLAN tag. No payload.</summary>
    PopVlan = 5,

    /// <summary>Decrement the IP TTL or hop limit; a packet whose TTL would reach zero is dropped. No payload.</summary>
    DecTtl = 6,
}

/// <summary>Reserved port numbers (OpenFlow 1.3.5, A.2.1).</summary>
public static class ReservedPort
{
    /// <summary>Highest number of a real port.</summary>
    public const uint Max = 0xffffff00;

    /// <summary>Send back out of the port that received the packet.</summary>
    public const uint InPort = 0xfffffff8;

    /// <summary>Packet-out only: classify from table 0.</summary>
    public const uint Table = 0xfffffff9;

    /// <summary>L2 learning switch.</summary>
    public const uint Normal = 0xfffffffa;

    /// <summary>All ports but the receiving one and those with flooding disabled.</summary>
    public const uint Flood = 0xfffffffb;

    /// <summary>All ports but the receiving one.</summary>
    public const uint All = 0xfffffffc;

    /// <summary>Send to the controller as a packet-in.</summary>
    public const uint Controller = 0xfffffffd;

    /// <summary>No port: a packet-out that came from the controller itself.</summary>
    public const uint Any = 0xffffffff;

    /// <summary>Whether an output action may name this port number.</summary>
    public static bool IsOutput(uint port) => port is (> 0 and <= Max) or InPort or Normal or Flood or All or Controller;
}

/// <summary>Why a flow left the table (OpenFlow 1.3.5, OFPRR_*).</summary>
public enum FlowRemovedReason : byte
{
    IdleTimeout = 0,
    HardTimeout = 1,
    Delete = 2,
    Replaced = 3,
}

/// <summary>Why a packet goes to the controller (OpenFlow 1.3.5, OFPR_*).</summary>
public enum PacketInReason : byte
{
    NoMatch = 0,
    Action = 1,
    InvalidTtl = 2,
}

/// <summary>Flags of a flow.</summary>
[Flags]
public enum FlowFlags : uint
{
    None = 0,

    /// <summary>Tell watchers when the flow leaves the table.</summary>
    SendFlowRemoved = 1,

    /// <summary>Refuse the flow if one of the same priority in the table overlaps it.</summary>
    CheckOverlap = 2,

    /// <summary>Zero the counters when an identical match is replaced.</summary>
    ResetCounts = 4,
}
