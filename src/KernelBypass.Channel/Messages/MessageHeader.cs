using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>Flags of a message.</summary>
[Flags]
public enum MessageFlags : ushort
{
    None = 0,

    /// <summary>The answer goes on in the next message of the same correlation.</summary>
    More = 1,
}

/// <summary>
/// Head of every message in a ring. <see cref="Length"/> bytes of payload follow; the next head stands at the next multiple of 8.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct MessageHeader
{
    /// <summary>Bytes of a head.</summary>
    public const int Size = 16;

    /// <summary>Bytes of payload.</summary>
    public uint Length;

    /// <summary>What the payload is.</summary>
    public MessageType Type;
    public MessageFlags Flags;

    /// <summary>Chosen by the daemon for a command; the same in its answer. 0 in an event.</summary>
    public ulong Correlation;

    /// <summary>Bytes that a payload takes in a ring, head and padding included.</summary>
    public static int Footprint(int payload) => (Size + payload + 7) & ~7;
}
