using System.ComponentModel;
using System.Diagnostics;
using Grpc.Health.V1;
using Grpc.HealthCheck;
using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Hosting;
using Microsoft.Extensions.Hosting;

namespace KernelBypass.Daemon.Supervision;

/// <summary>
/// Keeps a data plane: adopts the one that runs, starts one where none does, gives it ports, placement and flows, and does so again
/// when it ends.
/// </summary>
internal sealed class DataPlaneSupervisor(
    DaemonConfig config,
    FlowManager flows,
    PortManager ports,
    DataPlaneEvents events,
    SystemdNotifier systemd,
    HealthServiceImpl health,
    IHostApplicationLifetime lifetime,
    ILogger<DataPlaneSupervisor> log) : BackgroundService
{
    private readonly DataPlaneProcess _process = new(config);
    private readonly long _started = Environment.TickCount64;
    private long _lostAt;
    private int _failures;
    private bool _everRan;
    private DataPlaneSession? _attached;

    /// <summary>running, starting, draining or down.</summary>
    internal string State { get; private set; } = "starting";

    /// <summary>The attachment; null while there is none.</summary>
    internal DataPlaneSession? Session { get; private set; }

    /// <summary>Data planes lost since this process began.</summary>
    internal int Restarts { get; private set; }

    /// <summary>From the loss of a data plane to flows standing and ports up in the next, in milliseconds.</summary>
    internal long LastOutageMs { get; private set; }

    internal long TotalOutageMs { get; private set; }

    internal long UptimeMs => Environment.TickCount64 - _started;

    /// <summary>Where stages were placed by a client or a reload; replayed to a data plane that starts anew.</summary>
    internal PlacementRequest? Placement { get; set; }

    /// <summary>Why the process has to end, when it has.</summary>
    internal string? Fatal { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var followers = Task.WhenAll(flows.FollowRemovalsAsync(stoppingToken), systemd.KeepAliveAsync(stoppingToken));
            // Neither ends by itself: the first that does has failed, and the process with it.
            var first = await Task.WhenAny(followers, KeepAsync(stoppingToken)).ConfigureAwait(false);
            await first.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
        catch (Exception e)
        {
            // The data plane goes on without us; whoever supervises this process starts it again.
            Fatal = e is ChannelBusyException ? e.Message : e.ToString();
            lifetime.StopApplication();
        }
    }

    private async Task KeepAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested) await KeepOneAsync(stopping).ConfigureAwait(false);
    }

    /// <summary>One data plane's life.</summary>
    private async Task KeepOneAsync(CancellationToken stopping)
    {
        var since = Environment.TickCount64;
        DataPlaneSession? session = null;
        string reason;
        try
        {
            (session, var adopted) = await AttachAsync(stopping).ConfigureAwait(false);
            _attached = session;
            await TakeOverAsync(session, adopted, stopping).ConfigureAwait(false);
            since = Environment.TickCount64;
            reason = await session.Control.Closed.WaitAsync(stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or CommandException or IOException or Win32Exception
            || (e is ChannelException and not ChannelBusyException))
        {
            reason = e.Message;
        }

        if (Environment.TickCount64 - since > config.DataPlane.BackoffResetMs) _failures = 0;
        await LoseAsync(session, reason).ConfigureAwait(false);
        var delay = _failures == 0 ? 0 : (int)Math.Min(config.DataPlane.BackoffMaxMs, config.DataPlane.BackoffMinMs * Math.Pow(2, _failures - 1));
        _failures = Math.Min(_failures + 1, 30);
        if (session is null) log.StartFailed(reason, delay);
        await Task.Delay(delay, stopping).ConfigureAwait(false);
    }

    /// <summary>Attaches to the data plane that runs, or starts one and waits for it.</summary>
    private async Task<(DataPlaneSession Session, bool Adopted)> AttachAsync(CancellationToken stopping)
    {
        State = _everRan ? "down" : "starting";
        var started = false;
        var deadline = Environment.TickCount64 + config.DataPlane.StartTimeoutMs;
        while (true)
        {
            try
            {
                if (_process.IsReady())
                    return (await DataPlaneSession.AttachAsync(config.DataPlane, events, stopping).ConfigureAwait(false), !started);
            }
            catch (ChannelException e) when (e is not ChannelBusyException)
            {
                if (Environment.TickCount64 > deadline) await GiveUpAsync(e.Message).ConfigureAwait(false);
            }

            if (!config.DataPlane.External && !started && _process.RunningPid() == 0)
            {
                log.StartingDataPlane(config.DataPlane.Path, _process.LogPath);
                State = "starting";
                _process.Start();
                started = true;
            }

            if (started && _process.Ended is { } ended) throw new ChannelException(ended);
            if (started && Environment.TickCount64 > deadline) await GiveUpAsync("it was not ready in time").ConfigureAwait(false);
            await Task.Delay(config.DataPlane.External ? 100 : 10, stopping).ConfigureAwait(false);
        }
    }

    /// <summary>A data plane that does not answer is ended, if it is ours to end.</summary>
    private async Task GiveUpAsync(string reason)
    {
        if (!config.DataPlane.External && _process.RunningPid() is > 0 and var pid)
        {
            DataPlaneProcess.Kill(pid);
            log.DataPlaneKilled(pid, config.DataPlane.StartTimeoutMs);
            await _process.WaitForEndAsync(config.DataPlane.StopTimeoutMs).ConfigureAwait(false);
        }

        throw new ChannelException(reason);
    }

    private async Task TakeOverAsync(DataPlaneSession session, bool adopted, CancellationToken stopping)
    {
        var hello = session.Control.DataPlane;
        log.Attached(hello.Pid, hello.DpdkVersion, hello.WorkerLcores, adopted);
        if (adopted && hello.ConfigDigest.Length > 0 && !string.Equals(hello.ConfigDigest, _process.Digest, StringComparison.OrdinalIgnoreCase))
            log.ConfigDiffers("eal, mempool, limits, idle, pipeline or logging");
        await ports.RestoreAsync(session, stopping).ConfigureAwait(false);
        if (!adopted && Placement is { } placement) await session.Control.SetPlacementAsync(placement, stopping).ConfigureAwait(false);
        var counts = await flows.AdoptAsync(session, stopping).ConfigureAwait(false);
        log.Reconciled(counts.Kept, counts.Installed, counts.Deleted, counts.Expired, counts.Refused);
        await ports.BringUpAsync(session, stopping).ConfigureAwait(false);
        Session = session;
        State = "running";
        if (_lostAt != 0)
        {
            LastOutageMs = (long)Stopwatch.GetElapsedTime(_lostAt).TotalMilliseconds;
            TotalOutageMs += LastOutageMs;
            _lostAt = 0;
            log.DataPlaneBack(LastOutageMs, flows.Count, ports.Count);
        }

        _everRan = true;
        health.SetStatus("", HealthCheckResponse.Types.ServingStatus.Serving);
        systemd.Ready($"data plane {hello.Pid} running");
    }

    private async Task LoseAsync(DataPlaneSession? session, string reason)
    {
        if (session is null) return;
        if (_lostAt == 0 && Session is not null)
        {
            _lostAt = Stopwatch.GetTimestamp();
            Restarts++;
        }

        flows.Detach();
        Session = _attached = null;
        State = "down";
        health.SetStatus("", HealthCheckResponse.Types.ServingStatus.NotServing);
        systemd.Status("data plane lost");
        log.DataPlaneLost(reason);
        await session.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Stops following; in child mode the data plane hands on what it has received, and ends.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        systemd.Stopping();
        State = "draining";
        await base.StopAsync(cancellationToken).ConfigureAwait(false);
        if (_attached is { } session)
        {
            flows.Detach();
            Session = null;
            if (!config.DataPlane.External && Fatal is null) await StopDataPlaneAsync(session).ConfigureAwait(false);
            await session.DisposeAsync().ConfigureAwait(false);
        }
        else if (!config.DataPlane.External && Fatal is null && _process.RunningPid() is > 0 and var pid)
        {
            DataPlaneProcess.Kill(pid);
            log.DataPlaneKilled(pid, 0);
        }

        _process.Dispose();
    }

    private async Task StopDataPlaneAsync(DataPlaneSession session)
    {
        var pid = session.Control.DataPlane.Pid;
        try
        {
            await session.Control.ShutdownAsync(config.DataPlane.StopTimeoutMs / 2).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or ChannelException or CommandException)
        {
            log.Failed("stopping the data plane", e.Message);
        }

        if (await _process.WaitForEndAsync(config.DataPlane.StopTimeoutMs).ConfigureAwait(false))
        {
            log.DataPlaneStopped(pid);
            return;
        }

        DataPlaneProcess.Kill(pid);
        log.DataPlaneKilled(pid, config.DataPlane.StopTimeoutMs);
    }
}
