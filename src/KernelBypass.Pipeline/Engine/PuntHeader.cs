using System.Runtime.InteropServices;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Engine;

/// <summary>What goes with a packet to the main lcore, in the mbuf's private area in place of the meta.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PuntHeader
{
    /// <summary>Flow cookie, metadata, in_port, length on the wire, packet-in reason, table.</summary>
    public PuntInfo Info;

    /// <summary>When it was punted.</summary>
    public ulong Tsc;

    /// <summary>The lcore that punted it.</summary>
    public int Lcore;

    /// <summary>Capture: number of the tap.</summary>
    public int Tap;

    /// <summary>Capture at tx: the port it leaves by.</summary>
    public uint OutPort;

    /// <summary>Capture of drops: data-plane-wide reason.</summary>
    public ushort DropReason;
    public PuntKind Kind;

    /// <summary>Capture at tx: 1.</summary>
    public byte Outbound;
}
