using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>Asks for the flows from a cursor on. The cursor is 0, then what the last answer gave.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FlowDumpCommand
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 8;

    public uint Cursor;

    /// <summary>Most flows in the answer.</summary>
    public uint Max;

    /// <summary>Reads a payload; false when its size is wrong.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out FlowDumpCommand command)
    {
        command = default;
        return payload.Length == Size && MemoryMarshal.TryRead(payload, out command);
    }
}

/// <summary>Head of a dump's answer; <see cref="Count"/> entries follow.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FlowDumpHead
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 8;

    /// <summary><see cref="NextCursor"/> when there are no more flows.</summary>
    public const uint End = 0xffffffff;

    public uint NextCursor;
    public uint Count;
}

/// <summary>Head of one dumped flow; <see cref="SpecBytes"/> bytes of encoded flow follow.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FlowDumpEntryHead
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 32;

    public FlowHandle Flow;

    /// <summary>When the flow was added, Unix nanoseconds.</summary>
    public long CreatedUnixNs;

    /// <summary>When a packet was last seen to have used it, to the granularity of the timeout sweep.</summary>
    public long UsedUnixNs;
    public uint SpecBytes;
    private uint _reserved;
}
