using System.Runtime.InteropServices;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>The four rings of control.shm.</summary>
public enum RingId
{
    /// <summary>Daemon to data plane: commands.</summary>
    Command = 0,

    /// <summary>Data plane to daemon: completions and events.</summary>
    Event = 1,

    /// <summary>Daemon to data plane: packet-outs.</summary>
    PacketOut = 2,

    /// <summary>Data plane to daemon: packet-ins, captured packets, trace records.</summary>
    Packet = 3,
}

/// <summary>What the data plane is doing.</summary>
public enum DataPlaneState : uint
{
    Starting = 0,
    Running = 1,
    Draining = 2,
    Closed = 3,
}

/// <summary>
/// Head of control.shm: one page. The first 256 bytes are written by the data plane before the file gets its name; then each
/// cache line has one writer.
/// </summary>
/// <remarks>
/// <code>
///    0  magic, version, head bytes, file bytes, data plane pid, start time, ring places
///  256  data plane's line: state, acknowledged epoch, waiting
///  320  daemon's line: pid, requested epoch, waiting
/// 4096  ring 0: write cursor (64), read cursor (64), spare (64), capacity bytes of data at the next page; ring 1 ...
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = PageBytes)]
public unsafe struct ControlLayout
{
    /// <summary>"KBCTRL01" as bytes in the file.</summary>
    public const ulong MagicValue = 0x31304C525443424B;

    /// <summary>Raised with every change of this head, of the rings or of a message.</summary>
    public const uint CurrentVersion = 1;

    public const int PageBytes = 4096;
    public const int Rings = 4;

    /// <summary>Bytes before a ring's data: its cursors, one a cache line, in a page of their own.</summary>
    public const int RingHeadBytes = PageBytes;

    [FieldOffset(0)] public ulong Magic;
    [FieldOffset(8)] public uint Version;
    [FieldOffset(12)] public uint HeadBytes;
    [FieldOffset(16)] public ulong FileBytes;
    [FieldOffset(24)] public uint DataPlanePid;
    [FieldOffset(32)] public long StartedUnixNs;

    /// <summary>For each ring: offset of its head in the file, capacity in bytes.</summary>
    [FieldOffset(64)] public fixed ulong RingPlaces[Rings * 2];

    /// <summary><see cref="DataPlaneState"/>.</summary>
    [FieldOffset(256)] public uint State;

    /// <summary>The last epoch that the data plane has reset the rings for.</summary>
    [FieldOffset(260)] public uint AcknowledgedEpoch;

    /// <summary>1 while the data plane's main lcore sleeps on its bell.</summary>
    [FieldOffset(264)] public uint DataPlaneWaits;

    /// <summary>The epoch that the data plane has closed, as its daemon broke the protocol; 0 none.</summary>
    [FieldOffset(268)] public uint ClosedEpoch;

    [FieldOffset(320)] public uint DaemonPid;

    /// <summary>Raised by a daemon that attaches: "reset the rings".</summary>
    [FieldOffset(324)] public uint RequestedEpoch;

    /// <summary>1 while the daemon's channel thread sleeps on its bell.</summary>
    [FieldOffset(328)] public uint DaemonWaits;
}

/// <summary>Cursors of one ring, bytes written and read since the epoch began; each in a line of its own.</summary>
[StructLayout(LayoutKind.Explicit, Size = 192)]
public struct RingCursors
{
    [FieldOffset(0)] public ulong Write;
    [FieldOffset(64)] public ulong Read;
}
