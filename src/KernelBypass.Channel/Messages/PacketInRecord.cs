using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Messages;

/// <summary>Head of a packet for the controller; the packet's bytes follow.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct PacketInRecord
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 48;

    public long TimestampUnixNs;
    public ulong Cookie;

    /// <summary>Pipeline metadata, host order.</summary>
    public ulong Metadata;

    /// <summary>Packet-ins lost before this one.</summary>
    public ulong Missed;
    public uint InPort;

    /// <summary>Length on the wire; longer than the bytes that follow if max_len cut it.</summary>
    public uint TotalLength;
    public PacketInReason Reason;
    public byte TableId;
    private ushort _reserved;
    private uint _reserved2;

    /// <summary>Splits a payload; false when it is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out PacketInRecord record, out ReadOnlySpan<byte> data)
    {
        data = default;
        if (!MemoryMarshal.TryRead(payload, out record)) return false;
        data = payload[Size..];
        return true;
    }
}
