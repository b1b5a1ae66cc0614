using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk;

/// <summary>The counters of a port since its start or last reset (rte_eth_stats).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PortStats
{
    /// <summary>Packets received.</summary>
    public ulong RxPackets;

    /// <summary>Packets sent.</summary>
    public ulong TxPackets;

    /// <summary>Bytes received.</summary>
    public ulong RxBytes;

    /// <summary>Bytes sent.</summary>
    public ulong TxBytes;

    /// <summary>Packets the device dropped as the rx queue was full.</summary>
    public ulong RxMissed;

    /// <summary>Bad packets received.</summary>
    public ulong RxErrors;

    /// <summary>Packets that failed to be sent.</summary>
    public ulong TxErrors;

    /// <summary>Rx buffer allocations that failed: the mempool was empty.</summary>
    public ulong RxNoMbuf;
}

/// <summary>The counters of rx queue i and tx queue i, where the driver keeps them.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct QueueStats
{
    /// <summary>Queues that <see cref="Port.GetQueueStats"/> can tell of.</summary>
    public const int MaxQueues = 16;

    /// <summary>Packets received.</summary>
    public ulong RxPackets;

    /// <summary>Packets sent.</summary>
    public ulong TxPackets;

    /// <summary>Bytes received.</summary>
    public ulong RxBytes;

    /// <summary>Bytes sent.</summary>
    public ulong TxBytes;

    /// <summary>Received packets that were dropped.</summary>
    public ulong RxErrors;
}

/// <summary>The state of a link.</summary>
/// <param name="IsUp">Up.</param>
/// <param name="SpeedMegabits">Mbit/s; null when unknown.</param>
/// <param name="FullDuplex">Full duplex.</param>
/// <param name="Autonegotiated">Negotiated, not fixed.</param>
public readonly record struct PortLink(bool IsUp, uint? SpeedMegabits, bool FullDuplex, bool Autonegotiated);
