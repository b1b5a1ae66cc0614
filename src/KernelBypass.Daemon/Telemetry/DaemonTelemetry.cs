using KernelBypass.Daemon.Configuration;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace KernelBypass.Daemon.Telemetry;

/// <summary>The meter providers: one for Prometheus, and one for OTLP while that is configured.</summary>
internal sealed class DaemonTelemetry : IDisposable
{
    private const int MaxSeries = 100_000;
    private readonly DataPlaneMeter _dataPlane;
    private readonly PrometheusExporter _prometheus = new();
    private readonly MeterProvider _pulled;
    private MeterProvider? _pushed;

    internal DaemonTelemetry(DataPlaneMeter dataPlane, DaemonMeter daemon, TelemetryConfig config)
    {
        _dataPlane = dataPlane;
        // Named only so that it exists before the first collection.
        _ = daemon;
        _pulled = Builder().AddReader(_prometheus.Reader).Build();
        Configure(config);
    }

    /// <summary>The page of GET /metrics.</summary>
    internal byte[] Scrape()
    {
        _dataPlane.Discover();
        return _prometheus.Scrape();
    }

    /// <summary>Begins, changes or ends OTLP export.</summary>
    internal void Configure(TelemetryConfig config)
    {
        _pushed?.Dispose();
        _pushed = null;
        if (config.OtlpEndpoint.Length == 0) return;
        _pushed = Builder().AddReader(_ => new DiscoveringReader(_dataPlane, config)).Build();
    }

    public void Dispose()
    {
        _pushed?.Dispose();
        _pulled.Dispose();
        _prometheus.Dispose();
    }

    private static MeterProviderBuilder Builder() => Sdk.CreateMeterProviderBuilder()
        .ConfigureResource(resource => resource.AddService("kernelbypassd", serviceVersion: DaemonProgram.Release))
        .AddMeter(DataPlaneMeter.Name, DaemonMeter.Name, "System.Runtime")
        .AddView(_ => new MetricStreamConfiguration { CardinalityLimit = MaxSeries });

    /// <summary>Pushes on an interval; looks for metrics newly declared before each collection.</summary>
    private sealed class DiscoveringReader(DataPlaneMeter dataPlane, TelemetryConfig config)
        : PeriodicExportingMetricReader(Exporter(config), config.OtlpIntervalMs, config.OtlpIntervalMs)
    {
        protected override bool OnCollect(int timeoutMilliseconds)
        {
            dataPlane.Discover();
            return base.OnCollect(timeoutMilliseconds);
        }

        private static OtlpMetricExporter Exporter(TelemetryConfig config) => new(new OtlpExporterOptions
        {
            Endpoint = new Uri(config.OtlpEndpoint),
            Protocol = config.OtlpHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc,
        });
    }
}
