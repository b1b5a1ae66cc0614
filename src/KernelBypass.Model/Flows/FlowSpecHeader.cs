using System.Runtime.InteropServices;

namespace KernelBypass.Model.Flows;

/// <summary>
/// The fixed head of a flow in the codec. It is followed by three sections, whose lengths it gives: match items, apply-actions,
/// write-actions.
/// </summary>
/// <remarks>
/// Little-endian (both processes run on one host). A match item is u8 field, u8 has_mask, value, [mask]; values have
/// <see cref="MatchFieldDeclaration.ValueBytes"/> bytes in network order. An action is u8 <see cref="ActionKind"/>, u8 payload length,
/// payload in the byte order that the kind's comment gives (u32 and u16 little-endian, field values network order).
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FlowSpecHeader
{
    /// <summary>The only version there is.</summary>
    public const byte CurrentVersion = 1;

    /// <summary><see cref="GotoTable"/> when the flow ends the pipeline.</summary>
    public const byte NoGoto = 0xff;

    /// <summary>Bytes of the head.</summary>
    public const int Size = 52;

    public byte Version;
    public byte TableId;
    public ushort Priority;
    public FlowFlags Flags;
    public ulong Cookie;

    /// <summary>Seconds without a packet after which the flow is removed; 0 never.</summary>
    public uint IdleTimeoutSeconds;

    /// <summary>Seconds after which the flow is removed; 0 never.</summary>
    public uint HardTimeoutSeconds;

    /// <summary>write_metadata: metadata = (metadata &amp; ~mask) | (value &amp; mask). Host order.</summary>
    public ulong MetadataValue;
    public ulong MetadataMask;
    public byte GotoTable;

    /// <summary>1: clear the action set before the write-actions are merged.</summary>
    public byte ClearActions;
    public ushort MatchBytes;
    public ushort ApplyBytes;
    public ushort WriteBytes;
    public uint Reserved;

    /// <summary>Bytes of the whole flow, head and sections.</summary>
    public readonly int TotalBytes => Size + MatchBytes + ApplyBytes + WriteBytes;
}
