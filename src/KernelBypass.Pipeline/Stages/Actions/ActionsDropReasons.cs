using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Stages.Actions;

/// <summary>Why the actions stage drops a packet: indexes of <see cref="ActionsDropReasons.All"/>.</summary>
public enum ActionsDrop
{
    /// <summary>Internal: nothing to report.</summary>
    None = -1,
    NoOutput = 0,
    ActionDrop,
    OutputToInPort,
    NoSuchPort,
    PortDown,
    TtlExpired,
    OutputBurstFull,
    NoHeadroom,
    CopyFailed,
    NormalLinkLocal,
    NoFloodPort,
}

/// <summary>The drop reasons, in the order of <see cref="ActionsDrop"/>.</summary>
public static class ActionsDropReasons
{
    /// <summary>One declaration for each value from 0.</summary>
    public static IReadOnlyList<DropReasonDeclaration> All { get; } =
    [
        new("no_output", "The flows that matched have no output action."),
        new("action_drop", "A flow's drop action."),
        new("output_to_in_port", "Output to the port that received the packet, by number (use in_port to send it back)."),
        new("output_port_unknown", "Output to a port that does not exist (any more)."),
        new("output_port_down", "Output to a port that is administratively down."),
        new("ttl_expired", "dec_ttl on a packet whose TTL or hop limit would reach zero."),
        new("output_burst_full", "A burst with too many outputs: more than 2,048 packets would leave it."),
        new("no_headroom", "push_vlan, and no room left before the packet's data."),
        new("copy_failed", "A packet that others hold had to be copied before a change, and the copy mempool was empty."),
        new("normal_link_local", "Output normal of a frame to 01:80:c2:00:00:00 to 0f, which a bridge never forwards (IEEE 802.1D 7.12.6)."),
        new("no_flood_port", "Output flood, all or normal, and no other port is up that takes part."),
    ];
}
