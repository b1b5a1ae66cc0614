using System.Runtime.CompilerServices;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

// The packet path: one native call a burst, no checks, no allocation.
public sealed unsafe partial class Port
{
    /// <summary>
    /// Receives up to <paramref name="count"/> packets, which are then the caller's (rte_eth_rx_burst); returns how many.
    /// The port must be started and the queue exist.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort RxBurst(ushort port, ushort queue, Mbuf* packets, ushort count) =>
        Kb.kb_rx_burst(port, queue, packets, count);

    /// <summary>
    /// Sends packets (rte_eth_tx_burst): returns how many the driver took, from the first; the rest stays the caller's, to
    /// send again or to free.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort TxBurst(ushort port, ushort queue, Mbuf* packets, ushort count) =>
        Kb.kb_tx_burst(port, queue, packets, count);

    /// <summary>
    /// Lets the driver check and complete packets that ask for offloads (rte_eth_tx_prepare): how many, from the first, may be
    /// sent.
    /// </summary>
    public static ushort TxPrepare(ushort port, ushort queue, Mbuf* packets, ushort count) =>
        Kb.kb_tx_prepare(port, queue, packets, count);

    /// <summary>
    /// Does in software what packets ask for in <see cref="Mbuf.Flags"/> and the device lacks (<paramref name="missing"/>, from
    /// <see cref="PortOffloads.Missing"/>): checksums, tags, one segment out of several. Header lengths must be set
    /// (<see cref="Mbuf.SetHeaderLengths"/>). Packets that cannot be helped are moved behind the others; returns how many, from
    /// the first, may be sent.
    /// </summary>
    public static ushort TxSoftware(PortOffload missing, Mbuf* packets, ushort count) =>
        Kb.kb_tx_software((ulong)missing, packets, count);

    /// <summary>Packets waiting in an rx queue, or a negative errno where the driver cannot tell.</summary>
    public static int RxQueueCount(ushort port, ushort queue) => Kb.kb_rx_queue_count(port, queue);
}
