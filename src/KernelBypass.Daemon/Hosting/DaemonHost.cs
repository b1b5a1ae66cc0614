using Grpc.Testing;
using KernelBypass.Channel;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Journal;
using KernelBypass.Daemon.Services;
using KernelBypass.Daemon.Services.Flows;
using KernelBypass.Daemon.Supervision;
using KernelBypass.Daemon.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace KernelBypass.Daemon.Hosting;

/// <summary>Composes and runs kernelbypassd.</summary>
internal static class DaemonHost
{
    private const int CannotRun = 3;

    /// <summary>Runs until it is told to stop; answers the exit code.</summary>
    internal static async Task<int> RunAsync(string configPath, DaemonConfig config, TextWriter errors)
    {
        try
        {
            Directory.CreateDirectory(config.DataPlane.RunDir, (UnixFileMode)0b111_101_000);
            var lockPath = Path.Combine(config.DataPlane.RunDir, "kernelbypassd.lock");
            using var taken = SharedLock.TryTake(lockPath);
            if (taken is null)
            {
                using var probe = SharedLock.OpenProbe(lockPath);
                await errors.WriteLineAsync($"kernelbypassd: another kernelbypassd (pid {probe.Pid}) serves {config.DataPlane.RunDir}: "
                    + "stop it, or give this one another dataplane.run_dir").ConfigureAwait(false);
                return CannotRun;
            }

            await using var app = Build(configPath, config);
            var supervisor = app.Services.GetRequiredService<DataPlaneSupervisor>();
            await app.StartAsync().ConfigureAwait(false);
            DaemonListeners.SetSocketMode(config.Grpc);
            app.Services.GetRequiredService<ILogger<DataPlaneSupervisor>>().Serving(DaemonProgram.Release, config.Grpc.SocketPath);
            await app.WaitForShutdownAsync().ConfigureAwait(false);
            if (supervisor.Fatal is not { } fatal) return 0;
            await errors.WriteLineAsync($"kernelbypassd: {fatal}").ConfigureAwait(false);
            return CannotRun;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ChannelException or FormatException
            or System.Security.Cryptography.CryptographicException or System.Net.Sockets.SocketException)
        {
            await errors.WriteLineAsync($"kernelbypassd: {e.Message}").ConfigureAwait(false);
            return CannotRun;
        }
    }

    /// <summary>The application; <paramref name="configPath"/> is what SIGHUP reads again.</summary>
    internal static WebApplication Build(string configPath, DaemonConfig config)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        // Nothing but the one file configures this process.
        builder.Configuration.Sources.Clear();
        var level = new LogSwitch(config.Logging.Level);
        DaemonLogging.Configure(builder.Logging, config.Logging, level);
        DaemonListeners.Configure(builder.WebHost, config);
        builder.Services.Configure<HostOptions>(options =>
            options.ShutdownTimeout = TimeSpan.FromMilliseconds(config.DataPlane.StopTimeoutMs * 2 + 10_000));
        builder.Services.AddSingleton(config);
        builder.Services.AddSingleton(level);
        builder.Services.AddSingleton(SystemdNotifier.FromEnvironment());
        builder.Services.AddSingleton(services => new DataPlaneEvents(config.Limits.WatchQueue, services.GetRequiredService<ILogger<DataPlaneEvents>>()));
        builder.Services.AddSingleton(services => OpenFlows(config, services));
        builder.Services.AddSingleton(services => OpenPorts(config, services));
        builder.Services.AddSingleton(new StreamLimit(config.Limits.Watchers));
        AddHosted<DataPlaneSupervisor>(builder.Services);
        AddHosted<LoadMeter>(builder.Services);
        builder.Services.AddHostedService<JournalSyncer>();
        builder.Services.AddHostedService(services =>
            ActivatorUtilities.CreateInstance<ConfigReloader>(services, configPath));
        builder.Services.AddSingleton<DataPlaneAccess>();
        builder.Services.AddSingleton<DataPlaneMeter>();
        builder.Services.AddSingleton(services => new DaemonMeter(
            services.GetRequiredService<FlowManager>(),
            services.GetRequiredService<DataPlaneSupervisor>(),
            services.GetRequiredService<PortManager>(),
            services.GetRequiredService<DataPlaneEvents>(),
            services.GetRequiredService<StreamLimit>()));
        builder.Services.AddSingleton(services => new DaemonTelemetry(
            services.GetRequiredService<DataPlaneMeter>(), services.GetRequiredService<DaemonMeter>(), config.Telemetry));
        AddGrpc(builder.Services, config);
        var app = builder.Build();
        Map(app, config);
        return app;
    }

    private static void AddGrpc(IServiceCollection services, DaemonConfig config)
    {
        services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = config.Grpc.MaxMessageBytes;
            options.MaxSendMessageSize = config.Grpc.MaxMessageBytes;
            options.ShutdownGracePeriod = TimeSpan.FromSeconds(1);
        });
        services.AddGrpcHealthService();
        services.AddGrpcReflection();
        services.AddSingleton(provider => new FlowServiceImpl(provider.GetRequiredService<FlowManager>(), provider.GetRequiredService<StreamLimit>()));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PortServiceImpl>(provider));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PipelineServiceImpl>(provider));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<PacketServiceImpl>(provider));
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<TraceServiceImpl>(provider));
    }

    private static void Map(WebApplication app, DaemonConfig config)
    {
        var telemetry = app.Services.GetRequiredService<DaemonTelemetry>();
        var health = app.Services.GetRequiredService<Grpc.HealthCheck.HealthServiceImpl>();
        health.SetStatus("", Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.NotServing);
        app.Use(DaemonListeners.KeepApart);
        app.UseMiddleware<CallMeter>();
        app.MapGet("/metrics", async context =>
        {
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await context.Response.Body.WriteAsync(telemetry.Scrape(), context.RequestAborted).ConfigureAwait(false);
        });
        app.MapGrpcService<FlowServiceImpl>();
        app.MapGrpcService<PortServiceImpl>();
        app.MapGrpcService<PipelineServiceImpl>();
        app.MapGrpcService<PacketServiceImpl>();
        app.MapGrpcService<TraceServiceImpl>();
        app.MapGrpcHealthService();
        app.MapGrpcReflectionService();
        if (config.Grpc.TestService) app.MapGrpcService<TestServiceImpl>();
    }

    private static FlowManager OpenFlows(DaemonConfig config, IServiceProvider services)
    {
        var log = services.GetRequiredService<ILogger<FlowManager>>();
        var store = new FlowStore();
        FlowJournal? journal = null;
        if (config.Journal.Path.Length > 0)
        {
            journal = FlowJournal.Open(config.Journal, store);
            if (journal.LostBytes > 0) log.JournalTorn(config.Journal.Path, journal.LostBytes, store.Count);
            else log.JournalRead(config.Journal.Path, store.Count);
        }

        var flows = new FlowManager(config.Limits, store, journal, services.GetRequiredService<DataPlaneEvents>(), log);
        flows.Seed(config.Flows);
        return flows;
    }

    private static PortManager OpenPorts(DaemonConfig config, IServiceProvider services)
    {
        var ports = new PortManager(config.Limits.Ports, services.GetRequiredService<ILogger<PortManager>>());
        ports.Seed(config.Ports);
        return ports;
    }

    private static void AddHosted<T>(IServiceCollection services)
        where T : class, IHostedService
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
