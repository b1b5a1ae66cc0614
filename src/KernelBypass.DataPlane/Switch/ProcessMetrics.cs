using KernelBypass.Model.Declarations;

namespace KernelBypass.DataPlane.Switch;

/// <summary>The process's own metrics: collections (there should be none), allocation, and what passes through the
/// channel.</summary>
internal static class ProcessMetrics
{
    internal static readonly MetricDeclaration GcCollections = new(
        "kernelbypass_dataplane_gc_collections", "{collection}",
        "Garbage collections since the data plane began to forward; each stops every lcore.", MetricKind.Counter, "generation");

    internal static readonly MetricDeclaration GcAllocated = new(
        "kernelbypass_dataplane_gc_allocated", "By", "Managed memory allocated since the process started.", MetricKind.Counter);

    internal static readonly MetricDeclaration Uptime = new(
        "kernelbypass_dataplane_uptime", "s", "Seconds since the data plane started.", MetricKind.Gauge);

    internal static readonly MetricDeclaration Flows = new(
        "kernelbypass_flows", "{flow}", "Flows in all tables.", MetricKind.Gauge);

    internal static readonly MetricDeclaration FlowLimit = new(
        "kernelbypass_flows_limit", "{flow}", "Most flows in all tables (limits.flows).", MetricKind.Gauge);

    internal static readonly MetricDeclaration FlowMemory = new(
        "kernelbypass_flow_memory", "By", "Native memory taken for flows, counters apart.", MetricKind.Gauge);

    internal static readonly MetricDeclaration Retired = new(
        "kernelbypass_flow_retired", "{piece}", "Pieces of flow memory that wait for a grace period.", MetricKind.Gauge);

    internal static readonly MetricDeclaration Commands = new(
        "kernelbypass_channel_commands", "{command}", "Commands and packet-outs taken from the control plane.",
            MetricKind.Counter);

    internal static readonly MetricDeclaration Attached = new(
        "kernelbypass_channel_attached", "1", "1 while a control plane is attached.", MetricKind.Gauge);

    internal static readonly MetricDeclaration EventsMissed = new(
        "kernelbypass_channel_missed", "{event}", "Events that found nobody attached or their ring full.", MetricKind.Counter,
            "kind");

    internal static readonly MetricDeclaration PacketOuts = new(
        "kernelbypass_packet_out", "{packet}", "Packet-outs, by what became of them.", MetricKind.Counter, "result");

    /// <summary>All of them, for --describe.</summary>
    internal static IReadOnlyList<MetricDeclaration> All { get; } =
    [
        GcCollections, GcAllocated, Uptime, Flows, FlowLimit, FlowMemory, Retired, Commands, Attached, EventsMissed, PacketOuts,
    ];
}
