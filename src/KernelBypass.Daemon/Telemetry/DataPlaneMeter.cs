using System.Diagnostics.Metrics;
using KernelBypass.Channel;
using KernelBypass.Daemon.Supervision;
using KernelBypass.Model.Declarations;

namespace KernelBypass.Daemon.Telemetry;

/// <summary>
/// Makes an OpenTelemetry instrument of every metric that the data plane declares in shared memory. Instruments appear as the data
/// plane declares them; a scrape reads memory and stops nobody.
/// </summary>
internal sealed class DataPlaneMeter(DataPlaneSupervisor supervisor) : IDisposable
{
    internal const string Name = "KernelBypass.DataPlane";
    private const int SnapshotMs = 50;
    private readonly Meter _meter = new(Name, DaemonProgram.Release);
    private readonly Dictionary<string, MetricDeclaration> _known = [];
    private readonly Lock _lock = new();
    private Dictionary<string, List<MetricSample>> _samples = [];
    private long _taken;

    /// <summary>Makes instruments for metrics that were not declared before. To be called before a collection.</summary>
    internal void Discover()
    {
        foreach (var declaration in Snapshot().Values.Select(samples => samples[0].Metric))
        {
            lock (_lock)
            {
                if (!_known.TryAdd(declaration.Name, declaration)) continue;
            }

            if (declaration.Kind == MetricKind.Counter)
                _meter.CreateObservableCounter(declaration.Name, () => Measure(declaration.Name), declaration.Unit, declaration.Description);
            else
                _meter.CreateObservableGauge(declaration.Name, () => Measure(declaration.Name), declaration.Unit, declaration.Description);
        }
    }

    public void Dispose() => _meter.Dispose();

    private List<Measurement<long>> Measure(string name)
    {
        var measurements = new List<Measurement<long>>();
        if (!Snapshot().TryGetValue(name, out var samples)) return measurements;
        foreach (var sample in samples)
        {
            var tags = new KeyValuePair<string, object?>[sample.LabelValues.Count];
            for (var i = 0; i < tags.Length; i++) tags[i] = new(sample.Metric.Labels[i], sample.LabelValues[i]);
            measurements.Add(new((long)Math.Min(sample.Value, long.MaxValue), tags));
        }

        return measurements;
    }

    /// <summary>The metrics by name; one reading serves a whole collection.</summary>
    private Dictionary<string, List<MetricSample>> Snapshot()
    {
        lock (_lock)
        {
            var now = Environment.TickCount64;
            if (_taken != 0 && now - _taken < SnapshotMs) return _samples;
            var samples = new Dictionary<string, List<MetricSample>>();
            try
            {
                foreach (var sample in supervisor.Session?.ReadMetrics().Samples ?? [])
                {
                    if (!samples.TryGetValue(sample.Metric.Name, out var list)) samples.Add(sample.Metric.Name, list = []);
                    list.Add(sample);
                }
            }
            catch (Exception e) when (e is ChannelException or ObjectDisposedException)
            {
                // Between two data planes there is nothing to measure.
            }

            _samples = samples;
            _taken = now;
            return samples;
        }
    }
}
