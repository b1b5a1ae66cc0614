using System.Diagnostics;
using KernelBypass.Channel;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.DataPlane.Commands;
using KernelBypass.DataPlane.Configuration;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Engine;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KernelBypass.DataPlane.Hosting;

/// <summary>The configuration that the process was started with.</summary>
internal sealed record LoadedConfig(DataPlaneConfig Config, string Digest);

/// <summary>How the process ends.</summary>
internal sealed class ExitStatus
{
    internal const int Ok = 0;
    internal const int Failed = 1;
    internal const int BadConfiguration = 2;
    internal const int CannotStart = 3;

    internal int Code { get; set; }
}

/// <summary>
/// Starts EAL and the pipeline, warms the packet path up, runs the main loop on the main lcore until the host stops, and takes
/// everything
/// down in order.
/// </summary>
internal sealed class DataPlaneService(
    LoadedConfig loaded, ExitStatus exit, IHostApplicationLifetime lifetime, ILoggerFactory loggers) : BackgroundService
{
    private readonly ILogger _log = loggers.CreateLogger("KernelBypass.DataPlane");
    private readonly ILogger _dpdkLog = loggers.CreateLogger("DPDK");

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Factory.StartNew(
            () => Run(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            _log.Starting(Release.Version, Environment.ProcessId, Release.DpdkVersion, loaded.Config.RunDir);
            using var runtime = SwitchRuntime.Create(loaded.Config, loaded.Digest, WriteDpdkLog);
            // The main lcore is EAL's own pinned thread; everything of the engine happens there.
            runtime.Eal.Invoke(() => Forward(runtime, watch, stop));
            watch.Restart();
            _log.Stopping();
            runtime.Eal.Invoke(runtime.Engine.Dispose);
        }
        catch (Exception e) when (
            e is ChannelException or DpdkException or PipelineException or InvalidOperationException or OutOfMemoryException)
        {
            _log.CannotStart(e.Message);
            exit.Code = ExitStatus.CannotStart;
        }
        catch (Exception e)
        {
            _log.MainLoopFailed(e.Message, e);
            exit.Code = ExitStatus.Failed;
        }
        finally
        {
            _log.Stopped(watch.ElapsedMilliseconds);
            lifetime.StopApplication();
        }
    }

    private void Forward(SwitchRuntime runtime, Stopwatch watch, CancellationToken stop)
    {
        using var commands = new SwitchCommands(runtime, _log);
        var loop = new MainLoop(runtime, commands);
        var warm = WarmUp.Run(runtime);
        _log.WarmedUp(warm.Milliseconds, warm.Packets, warm.FirstNs, warm.LastNs);
        runtime.Engine.Start();
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        runtime.Counters.BeginForwarding();
        runtime.Server.State = DataPlaneState.Running;
        _log.Forwarding(Lcore.Main, string.Join(',', Lcore.Workers), watch.ElapsedMilliseconds);
        loop.Run(stop);
        runtime.Server.State = DataPlaneState.Draining;
    }

    private void WriteDpdkLog(DpdkLogEntry entry)
    {
        var level = entry.Level switch
        {
            <= DpdkLogLevel.Critical => LogLevel.Critical,
            DpdkLogLevel.Error => LogLevel.Error,
            DpdkLogLevel.Warning => LogLevel.Warning,
            DpdkLogLevel.Debug => LogLevel.Debug,
            _ => LogLevel.Information,
        };
        if (_dpdkLog.IsEnabled(level)) _dpdkLog.Log(level, "{Component}: {Message}", entry.Component, entry.Message);
    }
}
