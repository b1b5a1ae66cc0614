using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>Head of a packet to send: <see cref="ActionBytes"/> bytes of encoded actions follow, then the packet.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct PacketOutCommand
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 8;

    /// <summary>Shortest packet: an Ethernet header.</summary>
    public const int MinPacket = 14;

    /// <summary>Longest packet.</summary>
    public const int MaxPacket = 9_216;

    /// <summary>What the packet counts as having come from; ReservedPort.Any: the controller.</summary>
    public uint InPort;
    public ushort ActionBytes;
    private ushort _reserved;

    /// <summary>Splits a payload; false when its lengths do not fit.</summary>
    public static bool TryDecode(
        ReadOnlySpan<byte> payload, out PacketOutCommand command, out ReadOnlySpan<byte> actions, out ReadOnlySpan<byte> packet)
    {
        actions = default;
        packet = default;
        if (!MemoryMarshal.TryRead(payload, out command) || payload.Length - Size < command.ActionBytes) return false;
        actions = payload.Slice(Size, command.ActionBytes);
        packet = payload[(Size + command.ActionBytes)..];
        return packet.Length is >= MinPacket and <= MaxPacket;
    }
}
