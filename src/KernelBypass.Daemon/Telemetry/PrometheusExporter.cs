using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace KernelBypass.Daemon.Telemetry;

/// <summary>
/// Renders what the OpenTelemetry SDK has collected in Prometheus' text format 0.0.4. It is pulled: a scrape collects, renders and
/// answers; nothing runs between scrapes.
/// </summary>
[ExportModes(ExportModes.Pull)]
internal sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    private readonly Lock _lock = new();
    private readonly BaseExportingMetricReader _reader;
    private readonly PrometheusText _text = new();

    internal PrometheusExporter() =>
        _reader = new BaseExportingMetricReader(this) { TemporalityPreference = MetricReaderTemporalityPreference.Cumulative };

    /// <summary>To be added to the meter provider.</summary>
    internal MetricReader Reader => _reader;

    /// <summary>Set by the SDK: collects, and calls <see cref="Export"/>.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>Collects and renders.</summary>
    internal byte[] Scrape()
    {
        lock (_lock)
        {
            _text.Clear();
            Collect?.Invoke(Timeout.Infinite);
            return _text.ToBytes();
        }
    }

    public override ExportResult Export(in Batch<Metric> batch)
    {
        foreach (var metric in batch) _text.Add(metric);
        return ExportResult.Success;
    }
}
