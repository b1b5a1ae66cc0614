using System.Diagnostics.Metrics;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Services;
using KernelBypass.Daemon.Supervision;

namespace KernelBypass.Daemon.Telemetry;

/// <summary>Every metric of kernelbypassd itself, with its unit and description.</summary>
internal sealed class DaemonMeter : IDisposable
{
    internal const string Name = "KernelBypass.Daemon";
    private readonly Meter _meter = new(Name, DaemonProgram.Release);
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _durations;
    private readonly UpDownCounter<long> _active;

    internal DaemonMeter(FlowManager flows, DataPlaneSupervisor supervisor, PortManager ports, DataPlaneEvents events, StreamLimit streams)
    {
        _requests = _meter.CreateCounter<long>("kernelbypass_daemon_grpc_requests", "{request}", "gRPC calls that have ended, by method and status.");
        _durations = _meter.CreateHistogram(
            "kernelbypass_daemon_grpc_duration", "s", "Seconds that gRPC calls took, by method.", advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
            });
        _active = _meter.CreateUpDownCounter<long>("kernelbypass_daemon_grpc_active", "{request}", "gRPC calls under way.");
        Gauge("flows", "{flow}", "Flows in the store.", () => flows.Count);
        Gauge("flow_store_size", "By", "Memory of the flow store.", () => flows.Store.ReservedBytes);
        Counter("flow_updates_applied", "{update}", "Flow updates carried out.", () => flows.Applied);
        Counter("flow_updates_refused", "{update}", "Flow updates refused.", () => flows.Refused);
        Counter("flow_events_lost", "{event}", "Flow events that slow watchers lost.", () => flows.Removals.Lost);
        Counter("packet_ins_lost", "{packet}", "Packet-ins that slow readers lost.", () => events.PacketIns.Lost);
        Counter("packet_ins_missed", "{packet}", "Packet-ins that the data plane could not hand over.", () => (long)events.PacketInsMissed);
        Gauge("streams", "{stream}", "Watch, packet-in, capture and trace streams open.", () => streams.Open);
        Gauge("ports_wanted", "{port}", "Ports that should be attached.", () => ports.Count);
        Gauge("dataplane_up", "1", "1: the data plane runs and is attached.", () => supervisor.Session is null ? 0 : 1);
        Counter("dataplane_restarts", "{restart}", "Data planes lost.", () => supervisor.Restarts);
        Counter("dataplane_outage", "ms", "Time without a data plane.", () => supervisor.TotalOutageMs);
        Gauge("dataplane_last_outage", "ms", "Length of the last outage.", () => supervisor.LastOutageMs);
        Gauge("uptime", "ms", "Time since kernelbypassd started.", () => supervisor.UptimeMs);
        if (flows.Journal is not { } journal) return;
        Gauge("journal_size", "By", "Bytes of the journal.", () => journal.Bytes);
        Counter("journal_records", "{record}", "Records written.", () => journal.Records);
        Counter("journal_syncs", "{sync}", "Times the journal was forced to the disk.", () => journal.Syncs);
        Counter("journal_compactions", "{compaction}", "Times the journal was rewritten as a snapshot.", () => journal.Compactions);
        Counter("journal_failures", "{failure}", "Writes refused for want of space, or failed.", () => journal.Failures);
        Gauge("journal_longest_sync", "ns", "Longest time that forcing the journal to the disk took.", () => journal.LongestSyncNs);
    }

    /// <summary>A gRPC call has begun.</summary>
    internal void CallStarted() => _active.Add(1);

    /// <summary>A gRPC call has ended.</summary>
    internal void CallEnded(string method, string status, TimeSpan duration)
    {
        _active.Add(-1);
        _requests.Add(1, new("method", method), new("status", status));
        _durations.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("method", method));
    }

    public void Dispose() => _meter.Dispose();

    private void Gauge(string name, string unit, string description, Func<long> value) =>
        _meter.CreateObservableGauge("kernelbypass_daemon_" + name, value, unit, description);

    private void Counter(string name, string unit, string description, Func<long> value) =>
        _meter.CreateObservableCounter("kernelbypass_daemon_" + name, value, unit, description);
}
