using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Packets;

/// <summary>
/// What the switch knows of a packet. Stands in the mbuf's private area, so a packet changes lcore by its pointer alone.
/// The layout is pinned by a test: cache lines 0 and 1 are the key, line 2 is everything else.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct PacketMeta
{
    /// <summary>Bytes of the private area: three cache lines.</summary>
    public const int Size = 192;

    /// <summary>Written by parse; words 7 to 14 only if <see cref="PipelineView.NeededWords"/> or the packet asks for them.</summary>
    [FieldOffset(0)] public FlowKey Key;

    /// <summary>Number of the port that received the packet (host order; the key has it in network order).</summary>
    [FieldOffset(128)] public uint InPort;

    /// <summary>Byte offset of the L3 header from the start of the frame; 0 unknown.</summary>
    [FieldOffset(132)] public ushort L3Offset;

    /// <summary>Byte offset of the L4 header; 0 when there is none or the packet is a later fragment.</summary>
    [FieldOffset(134)] public ushort L4Offset;

    /// <summary>Outermost VLAN tags that were parsed: 0, 1 or 2.</summary>
    [FieldOffset(136)] public byte VlanTags;

    /// <summary>What the packet is: <see cref="PacketKinds"/>.</summary>
    [FieldOffset(137)] public PacketKinds Kinds;

    /// <summary>The table that sent the packet to the controller, for packet-in.</summary>
    [FieldOffset(138)] public byte TableId;

    /// <summary>Trace is on for this packet.</summary>
    [FieldOffset(139)] public byte Traced;

    /// <summary>Hash for spreading over lcores (RSS hash or software): equal for all packets of a flow.</summary>
    [FieldOffset(140)] public uint Hash;

    /// <summary>Number of the port to send to, set by the actions stage for the tx stage.</summary>
    [FieldOffset(144)] public uint OutPort;

    /// <summary>Data-plane-wide drop reason, set when dropped; 0 none.</summary>
    [FieldOffset(148)] public ushort DropReason;

    /// <summary>Bytes the packet had on arrival, for flow counters.</summary>
    [FieldOffset(152)] public uint WireLength;

    /// <summary>Flows met: how many of <see cref="Flow0"/> to Flow3, or of <see cref="FlowPath"/> when it is set.</summary>
    [FieldOffset(156)] public int FlowCount;

    /// <summary>The flows met, table by table, as FlowEntry pointers. Classify writes them, actions executes them.</summary>
    [FieldOffset(160)] public nint Flow0;
    [FieldOffset(168)] public nint Flow1;

    /// <summary>When more than two flows were met: a FlowPath in memory that lives as long as the flows (else 0).</summary>
    [FieldOffset(176)] public nint FlowPath;

    /// <summary>TSC when the packet was received; 0 unless something asked for it.</summary>
    [FieldOffset(184)] public ulong ReceivedTsc;
}

/// <summary>What parse found.</summary>
[Flags]
public enum PacketKinds : byte
{
    None = 0,
    Ipv4 = 1,
    Ipv6 = 2,
    Arp = 4,
    Tcp = 8,
    Udp = 16,
    Icmp = 32,
    Fragment = 64,
}
