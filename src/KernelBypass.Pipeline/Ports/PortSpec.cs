using System.Net.NetworkInformation;

namespace KernelBypass.Pipeline.Ports;

/// <summary>A port to attach.</summary>
public sealed record PortSpec
{
    /// <summary>Highest number a port may have.</summary>
    public const uint MaxNumber = 65_279;

    /// <summary>Unique, 1 to 63 of [A-Za-z0-9_.-].</summary>
    public required string Name { get; init; }

    /// <summary>1 to <see cref="MaxNumber"/>; 0: the next free.</summary>
    public uint Number { get; init; }

    /// <summary>PCI address or vdev with arguments, as DPDK takes them.</summary>
    public required string Device { get; init; }

    /// <summary>0: one for each worker lcore, as far as the device has them.</summary>
    public ushort RxQueues { get; init; }

    /// <summary>0: one for each worker lcore, as far as the device has them.</summary>
    public ushort TxQueues { get; init; }

    /// <summary>0: 1,024.</summary>
    public ushort RxDescriptors { get; init; }

    /// <summary>0: 1,024.</summary>
    public ushort TxDescriptors { get; init; }

    /// <summary>Layer 3 bytes, 68 to 9,000; 0: 1,500.</summary>
    public ushort Mtu { get; init; }

    /// <summary>Receive frames to any address.</summary>
    public bool Promiscuous { get; init; } = true;

    /// <summary>Receive all multicast.</summary>
    public bool AllMulticast { get; init; }

    /// <summary>Null: the device's own.</summary>
    public PhysicalAddress? Mac { get; init; }

    /// <summary>Leave this port out of FLOOD.</summary>
    public bool NoFlood { get; init; }

    /// <summary>Attached, but nothing received or sent.</summary>
    public bool AdminDown { get; init; }
}

/// <summary>Settings to change; null: leave.</summary>
/// <param name="Mtu">Layer 3 bytes.</param>
/// <param name="Promiscuous">Promiscuous mode.</param>
/// <param name="AllMulticast">All multicast.</param>
/// <param name="Mac">MAC address.</param>
/// <param name="NoFlood">Leave out of FLOOD.</param>
/// <param name="AdminDown">Administratively down.</param>
public sealed record PortChange(
    ushort? Mtu = null, bool? Promiscuous = null, bool? AllMulticast = null, PhysicalAddress? Mac = null, bool? NoFlood = null,
    bool? AdminDown = null);

/// <summary>A port as it is.</summary>
/// <param name="Spec">Its settings in force, every default filled in.</param>
/// <param name="LinkUp">The link is up (never when administratively down).</param>
/// <param name="SpeedMbps">Mbit/s; 0: unknown.</param>
/// <param name="FullDuplex">Full duplex.</param>
/// <param name="Mac">MAC address in use.</param>
/// <param name="Driver">The driver, e.g. <c>net_tap</c>.</param>
/// <param name="NumaNode">NUMA node; -1: none.</param>
/// <param name="MaxRxQueues">What the device has.</param>
/// <param name="MaxTxQueues">What the device has.</param>
/// <param name="HardwareOffloads">Done by the device.</param>
/// <param name="SoftwareOffloads">Done by the switch, as the device lacks them.</param>
public sealed record PortStatus(
    PortSpec Spec, bool LinkUp, uint SpeedMbps, bool FullDuplex, PhysicalAddress Mac, string Driver, int NumaNode,
    ushort MaxRxQueues, ushort MaxTxQueues, IReadOnlyList<string> HardwareOffloads, IReadOnlyList<string> SoftwareOffloads);

/// <summary>What happened to a port.</summary>
public enum PortChangeKind : byte
{
    Attached = 2,
    Detached = 3,
    LinkUp = 4,
    LinkDown = 5,
    Changed = 6,
}

/// <summary>An event for watchers.</summary>
public readonly record struct PortNotice(PortChangeKind Kind, PortStatus Port);
