using KernelBypass.Pipeline.Counters;

namespace KernelBypass.DataPlane.Switch;

/// <summary>The slots of <see cref="ProcessMetrics"/>, written by the main lcore.</summary>
internal sealed unsafe class ProcessCounters(ICounterSpace space)
{
    private readonly ulong*[] _collections =
    [
        space.Add(-1, ProcessMetrics.GcCollections, "0"),
        space.Add(-1, ProcessMetrics.GcCollections, "1"),
        space.Add(-1, ProcessMetrics.GcCollections, "2"),
    ];

    private readonly int[] _baseline = new int[3];
    private readonly ulong* _allocated = space.Add(-1, ProcessMetrics.GcAllocated);
    private readonly ulong* _uptime = space.Add(-1, ProcessMetrics.Uptime);
    private readonly ulong* _flows = space.Add(-1, ProcessMetrics.Flows);
    private readonly ulong* _flowLimit = space.Add(-1, ProcessMetrics.FlowLimit);
    private readonly ulong* _flowMemory = space.Add(-1, ProcessMetrics.FlowMemory);
    private readonly ulong* _retired = space.Add(-1, ProcessMetrics.Retired);
    private readonly ulong* _commands = space.Add(-1, ProcessMetrics.Commands);
    private readonly ulong* _attached = space.Add(-1, ProcessMetrics.Attached);
    private readonly ulong* _removalsMissed = space.Add(-1, ProcessMetrics.EventsMissed, "flow_removed");
    private readonly ulong* _packetInsMissed = space.Add(-1, ProcessMetrics.EventsMissed, "packet_in");
    private readonly ulong* _capturesMissed = space.Add(-1, ProcessMetrics.EventsMissed, "capture");
    private readonly ulong* _tracesMissed = space.Add(-1, ProcessMetrics.EventsMissed, "trace");
    private readonly ulong* _packetOutsSent = space.Add(-1, ProcessMetrics.PacketOuts, "sent");
    private readonly ulong* _packetOutsRefused = space.Add(-1, ProcessMetrics.PacketOuts, "refused");

    internal ref ulong RemovalsMissed => ref *_removalsMissed;

    internal ref ulong PacketInsMissed => ref *_packetInsMissed;

    internal ref ulong CapturesMissed => ref *_capturesMissed;

    internal ref ulong TracesMissed => ref *_tracesMissed;

    internal ref ulong PacketOutsSent => ref *_packetOutsSent;

    internal ref ulong PacketOutsRefused => ref *_packetOutsRefused;

    /// <summary>Collections since <see cref="BeginForwarding"/>.</summary>
    internal int Collections => GC.CollectionCount(0) - _baseline[0];

    /// <summary>What was collected until now, by set-up, does not count.</summary>
    internal void BeginForwarding()
    {
        for (var i = 0; i < _baseline.Length; i++) _baseline[i] = GC.CollectionCount(i);
    }

    /// <summary>Writes the gauges. Allocates nothing.</summary>
    internal void Refresh(SwitchRuntime runtime)
    {
        for (var i = 0; i < _baseline.Length; i++) *_collections[i] = (ulong)(GC.CollectionCount(i) - _baseline[i]);
        *_allocated = (ulong)GC.GetTotalAllocatedBytes();
        *_uptime = (ulong)(runtime.Clock.ElapsedNs / 1_000_000_000);
        *_flows = runtime.Tables.FlowCount;
        *_flowLimit = runtime.Config.Limits.Flows;
        *_flowMemory = (ulong)runtime.Tables.MemoryBytes;
        *_retired = (ulong)runtime.Tables.RetiredCount;
        *_commands = runtime.Server.Commands;
        *_attached = runtime.Server.DaemonAttached ? 1u : 0;
    }
}
