using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Messages;

/// <summary>A flow left the tables by itself: a timeout. Deletions and replacements are told in the results of their
/// commands.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FlowRemovedEvent
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 56;

    public FlowHandle Flow;
    public ulong Cookie;

    /// <summary>Final counters.</summary>
    public ulong Packets;
    public ulong Bytes;

    /// <summary>How long it stood.</summary>
    public ulong DurationNs;

    /// <summary>Removals that could not be told before this one, as the ring was full: dump to find them.</summary>
    public ulong Missed;
    public FlowRemovedReason Reason;
    public byte TableId;
    public ushort Priority;
    private uint _reserved;

    /// <summary>Reads a payload; false when its size is wrong.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out FlowRemovedEvent removed)
    {
        removed = default;
        return payload.Length == Size && MemoryMarshal.TryRead(payload, out removed);
    }
}
