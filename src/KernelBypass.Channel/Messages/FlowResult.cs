using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Messages;

/// <summary>What became of one flow command: an item of <see cref="MessageType.FlowCompletion"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FlowResult
{
    /// <summary>Bytes of an item.</summary>
    public const int Size = 48;

    /// <summary><see cref="ReplacedSlot"/> when nothing was replaced.</summary>
    public const uint NoSlot = 0xffffffff;

    /// <summary>Where the flow's counters are. Meaningless after an error.</summary>
    public uint Slot;

    /// <summary>With the slot, the flow's handle.</summary>
    public uint Generation;

    /// <summary>The flow of equal identity that an add replaced, or <see cref="NoSlot"/>.</summary>
    public uint ReplacedSlot;
    public uint ReplacedGeneration;

    /// <summary>What was wrong, or None.</summary>
    public FlowErrorCode Code;

    /// <summary>The field concerned, or None.</summary>
    public MatchField Field;
    private byte _reserved;

    /// <summary>The action concerned; -1 none.</summary>
    public short ActionIndex;
    private ushort _reserved2;

    /// <summary>FlowDelete, and FlowAdd that replaced a flow: that flow's final counters.</summary>
    public ulong Packets;
    public ulong Bytes;

    /// <summary>The same: how long it stood.</summary>
    public ulong DurationNs;

    /// <summary>Whether the command was carried out.</summary>
    public readonly bool IsOk => Code == FlowErrorCode.None;

    /// <summary>The error with its place, for people.</summary>
    public readonly FlowSpecError Error => new(Code, Field, ActionIndex);

    /// <summary>A flow that stands now.</summary>
    public static FlowResult Stands(uint slot, uint generation) =>
        new() { Slot = slot, Generation = generation, ReplacedSlot = NoSlot, ActionIndex = -1 };

    /// <summary>A command that failed.</summary>
    public static FlowResult Failed(in FlowSpecError error) =>
        new() { ReplacedSlot = NoSlot, Code = error.Code, Field = error.Field, ActionIndex = error.ActionIndex };
}
