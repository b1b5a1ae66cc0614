using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>Head of a traced packet; <see cref="DataBytes"/> bytes of packet follow, then a JSON <see
/// cref="ExplainAnswer"/>.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct TraceRecordHead
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 40;

    public long TimestampUnixNs;
    public ulong Missed;

    /// <summary>The trace, as <see cref="TraceStarted.Id"/>.</summary>
    public uint TraceId;
    public uint Lcore;
    public uint InPort;
    public uint TotalLength;
    public uint DataBytes;
    private uint _reserved;

    /// <summary>Splits a payload; false when its lengths do not fit.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> payload, out TraceRecordHead record, out ReadOnlySpan<byte> data, out ReadOnlySpan<byte> steps)
    {
        data = default;
        steps = default;
        if (!MemoryMarshal.TryRead(payload, out record) || record.DataBytes > (uint)(payload.Length - Size)) return false;
        data = payload.Slice(Size, (int)record.DataBytes);
        steps = payload[(Size + (int)record.DataBytes)..];
        return true;
    }
}
