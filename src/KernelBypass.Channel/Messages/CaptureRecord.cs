using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>Where a packet was captured.</summary>
public enum CapturePoint : byte
{
    PortRx = 0,
    PortTx = 1,
    Stage = 2,
    Drop = 3,
}

/// <summary>Head of a captured packet; the packet's bytes follow.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct CaptureRecord
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 40;

    public long TimestampUnixNs;

    /// <summary>Packets that should have been captured before this one but were not.</summary>
    public ulong Missed;

    /// <summary>The capture, as <see cref="CaptureStarted.Id"/>.</summary>
    public uint CaptureId;
    public uint TotalLength;

    /// <summary>Port number (of receipt, for stages and drops).</summary>
    public uint Port;
    public CapturePoint Point;
    private byte _reserved;

    /// <summary>Index of the stage in the chain.</summary>
    public ushort Stage;

    /// <summary>Point Drop: index in the data plane's drop reasons.</summary>
    public ushort DropReason;
    public ushort Lcore;
    private uint _reserved2;

    /// <summary>Splits a payload; false when it is too short.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out CaptureRecord record, out ReadOnlySpan<byte> data)
    {
        data = default;
        if (!MemoryMarshal.TryRead(payload, out record)) return false;
        data = payload[Size..];
        return true;
    }
}
