using System.Runtime.InteropServices;
using System.Threading.Channels;
using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Supervision;
using KernelBypass.Daemon.Telemetry;
using Microsoft.Extensions.Hosting;

namespace KernelBypass.Daemon.Hosting;

/// <summary>
/// SIGHUP: reads the configuration again. One with errors changes nothing. Of a good one everything that can be changed while
/// running is taken over, and the rest is named in the log.
/// </summary>
internal sealed class ConfigReloader(
    string path,
    DaemonConfig config,
    DataPlaneSupervisor supervisor,
    PortManager ports,
    FlowManager flows,
    LogSwitch level,
    DaemonTelemetry telemetry,
    SystemdNotifier systemd,
    ILogger<ConfigReloader> log) : BackgroundService
{
    private readonly Channel<bool> _signals = System.Threading.Channels.Channel.CreateBounded<bool>(1);
    private readonly DaemonConfig _started = config;
    private DaemonConfig _inForce = config;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var registration = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            _signals.Writer.TryWrite(true);
        });
        await foreach (var _ in _signals.Reader.ReadAllAsync(stoppingToken).ConfigureAwait(false))
        {
            systemd.Reloading();
            await ReloadAsync(stoppingToken).ConfigureAwait(false);
            systemd.Ready($"data plane {supervisor.State}");
        }
    }

    /// <summary>Reads and takes over; failures are in the log.</summary>
    internal async Task ReloadAsync(CancellationToken cancellation)
    {
        DaemonConfig next;
        try
        {
            next = ConfigLoader.Load(path, new HostInventory());
        }
        catch (ConfigException e)
        {
            foreach (var error in e.Errors) log.ReloadRefused(error.ToString());
            return;
        }

        var changes = new List<string>();
        try
        {
            await TakeOverAsync(next, changes, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ChannelException or TimeoutException or CommandException or FlowException)
        {
            log.Failed("reloading", e.Message);
        }

        ReportRest(next);
        log.Reloaded(changes.Count == 0 ? "nothing that can be changed while running" : string.Join(", ", changes));
    }

    private async Task TakeOverAsync(DaemonConfig next, List<string> changes, CancellationToken cancellation)
    {
        if (next.Logging.Level != _inForce.Logging.Level)
        {
            level.Set(next.Logging.Level);
            changes.Add("logging.level");
        }

        if (next.Telemetry with { PrometheusListen = "" } != _inForce.Telemetry with { PrometheusListen = "" })
        {
            telemetry.Configure(next.Telemetry);
            changes.Add("telemetry.otlp");
        }

        _inForce = _inForce with { Logging = next.Logging, Telemetry = next.Telemetry };
        var session = supervisor.Session ?? throw new ChannelException("the data plane does not run: send SIGHUP again when it does");
        if (!next.Ports.SequenceEqual(_inForce.Ports))
        {
            await ports.ReloadAsync(session, _inForce.Ports, next.Ports, cancellation).ConfigureAwait(false);
            _inForce = _inForce with { Ports = next.Ports };
            changes.Add("ports");
        }

        if (!next.Pipeline.Placement.SequenceEqual(_inForce.Pipeline.Placement) && next.Pipeline.Placement.Count > 0)
        {
            var placement = new PlacementRequest([.. next.Pipeline.Placement.Select(chain => new ChainPlacement(chain.Stages, chain.Lcores))]);
            await session.Control.SetPlacementAsync(placement, cancellation).ConfigureAwait(false);
            supervisor.Placement = placement;
            _inForce = _inForce with { Pipeline = _inForce.Pipeline with { Placement = next.Pipeline.Placement } };
            changes.Add("pipeline.placement");
        }

        await flows.ReplaceStaticAsync(_inForce.Flows, next.Flows, cancellation).ConfigureAwait(false);
        if (!next.Flows.Select(flow => flow.Text).SequenceEqual(_inForce.Flows.Select(flow => flow.Text))) changes.Add("flows");
        _inForce = _inForce with { Flows = next.Flows };
    }

    /// <summary>Names what differs from what the processes were started with.</summary>
    private void ReportRest(DaemonConfig next)
    {
        var dataPlane = new List<string>();
        // The document holds what the data plane reads at its start; ports' PCI addresses are added while it runs.
        var before = _started with { Ports = [], Logging = next.Logging, Pipeline = _started.Pipeline with { Placement = [] } };
        var after = next with { Ports = [], Pipeline = next.Pipeline with { Placement = [] } };
        if (DataPlaneDocument.Render(before with { Eal = after.Eal }) != DataPlaneDocument.Render(before)) dataPlane.Add("eal");
        if (after.Mempool != before.Mempool) dataPlane.Add("mempool");
        if (after.Limits != before.Limits) dataPlane.Add("limits");
        if (after.Idle != before.Idle) dataPlane.Add("idle");
        if (DataPlaneDocument.Render(before with { Pipeline = after.Pipeline }) != DataPlaneDocument.Render(before)) dataPlane.Add("pipeline.stages");
        if (next.Pipeline.Placement.Count == 0 && _inForce.Pipeline.Placement.Count > 0) dataPlane.Add("pipeline.placement");
        if (dataPlane.Count > 0) log.NeedsRestart("the data plane and kernelbypassd", string.Join(", ", dataPlane));

        var daemon = new List<string>();
        if (next.DataPlane != _started.DataPlane) daemon.Add("dataplane");
        if (next.Grpc != _started.Grpc) daemon.Add("grpc");
        if (next.Journal != _started.Journal) daemon.Add("journal");
        if (next.Telemetry.PrometheusListen != _started.Telemetry.PrometheusListen) daemon.Add("telemetry.prometheus");
        if (next.Logging.Json != _started.Logging.Json) daemon.Add("logging.format");
        if (daemon.Count > 0) log.NeedsRestart("kernelbypassd", string.Join(", ", daemon));
    }
}
