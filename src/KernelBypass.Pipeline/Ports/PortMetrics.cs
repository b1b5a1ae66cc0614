using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Ports;

/// <summary>Every metric of a port, declared once. The device counts; the main lcore copies.</summary>
public static class PortMetrics
{
    public static readonly MetricDeclaration RxPackets = Port("rx_packets", "{packet}", "Packets received.");
    public static readonly MetricDeclaration RxBytes = Port("rx_bytes", "By", "Bytes received.");
    public static readonly MetricDeclaration TxPackets = Port("tx_packets", "{packet}", "Packets sent.");
    public static readonly MetricDeclaration TxBytes = Port("tx_bytes", "By", "Bytes sent.");
    public static readonly MetricDeclaration RxMissed = Port(
        "rx_missed_packets", "{packet}", "Packets the device dropped as its rx queue was full.");
    public static readonly MetricDeclaration RxErrors = Port("rx_errors", "{packet}", "Bad packets received.");
    public static readonly MetricDeclaration RxNoMbuf = Port(
        "rx_no_mbuf", "{packet}", "Packets not received as the mempool was empty.");
    public static readonly MetricDeclaration TxErrors = Port("tx_errors", "{packet}", "Packets the device failed to send.");
    public static readonly MetricDeclaration LinkUp = new(
        "kernelbypass_port_link_up", "1", "1: the link is up.", MetricKind.Gauge, "port");

    public static readonly MetricDeclaration TxQueueFull = new(
        "kernelbypass_port_tx_queue_full_packets", "{packet}", "Packets dropped as the port's tx queue stayed full.",
        MetricKind.Counter, "port", "lcore");

    public static readonly MetricDeclaration QueueRxPackets = Queue("rx_packets", "{packet}", "Packets received from the queue.");
    public static readonly MetricDeclaration QueueRxBytes = Queue("rx_bytes", "By", "Bytes received from the queue.");
    public static readonly MetricDeclaration QueueTxPackets = Queue("tx_packets", "{packet}", "Packets sent to the queue.");
    public static readonly MetricDeclaration QueueTxBytes = Queue("tx_bytes", "By", "Bytes sent to the queue.");

    /// <summary>Those with the one label port, in the order in which <see cref="PortCounters"/> keeps them.</summary>
    internal static MetricDeclaration[] OfPort { get; } =
        [RxPackets, RxBytes, TxPackets, TxBytes, RxMissed, RxErrors, RxNoMbuf, TxErrors, LinkUp];

    internal static MetricDeclaration[] OfQueue { get; } = [QueueRxPackets, QueueRxBytes, QueueTxPackets, QueueTxBytes];

    private static MetricDeclaration Port(string name, string unit, string description) =>
        new($"kernelbypass_port_{name}", unit, description, MetricKind.Counter, "port");

    private static MetricDeclaration Queue(string name, string unit, string description) =>
        new($"kernelbypass_port_queue_{name}", unit, description, MetricKind.Counter, "port", "queue");
}
