using System.Net.Sockets;
using Grpc.Net.Client;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.Hosting;
using KernelBypass.Daemon.Supervision;
using KernelBypass.FakeDataPlane;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace KernelBypass.Daemon.Tests.Services;

/// <summary>kernelbypassd in this process, over a real unix socket, with a data plane without packets on a thread.</summary>
internal sealed class DaemonFixture : IAsyncDisposable
{
    private readonly Thread _thread;
    private readonly GrpcChannel _channel;

    private DaemonFixture(string directory, FakeSwitch fake, Thread thread, WebApplication app)
    {
        Root = directory;
        Switch = fake;
        _thread = thread;
        App = app;
        _channel = Connect(directory + "/run/api.sock");
    }

    internal string Root { get; }

    internal FakeSwitch Switch { get; }

    internal WebApplication App { get; }

    internal GrpcChannel Channel => _channel;

    internal V1.FlowService.FlowServiceClient Flows => new(_channel);

    internal T Get<T>()
        where T : notnull => App.Services.GetRequiredService<T>();

    /// <summary>Starts both; <paramref name="yaml"/> is added to the configuration.</summary>
    internal static async Task<DaemonFixture> StartAsync(string yaml = "", string? directory = null)
    {
        directory ??= Directory.CreateTempSubdirectory("kbd-").FullName;
        var path = directory + "/kernelbypass.yaml";
        await File.WriteAllTextAsync(path, ConfigText(directory, yaml));
        var config = ConfigLoader.Load(path, null);
        var fake = new FakeSwitch(config.DataPlane.RunDir, "");
        var thread = new Thread(fake.Run) { IsBackground = true };
        thread.Start();
        var app = DaemonHost.Build(path, config);
        await app.StartAsync();
        var fixture = new DaemonFixture(directory, fake, thread, app);
        await Eventually(() => fixture.Get<DataPlaneSupervisor>().State == "running", "the data plane is adopted");
        return fixture;
    }

    internal static string ConfigText(string directory, string yaml) =>
        $"dataplane: {{run_dir: {directory}/run, supervise: external}}\n"
        + (yaml.Contains("journal:", StringComparison.Ordinal) ? "" : "journal: {path: \"\"}\n")
        + (yaml.Contains("telemetry:", StringComparison.Ordinal) ? "" : "telemetry: {prometheus: {listen: \"\"}}\n")
        + "logging: {level: error}\n" + yaml;

    internal static GrpcChannel Connect(string socket) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        MaxReceiveMessageSize = 64 << 20,
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await client.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
                return new NetworkStream(client, ownsSocket: true);
            },
        },
    });

    /// <summary>Waits for a condition; fails after 20 s, generously for a busy machine.</summary>
    internal static async Task Eventually(Func<bool> condition, string what)
    {
        for (var i = 0; i < 2000; i++)
        {
            if (condition()) return;
            await Task.Delay(10);
        }

        Assert.Fail($"not within 20 s: {what}");
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
        Switch.Shutdown(0);
        _thread.Join();
        Switch.Dispose();
        if (Directory.Exists(Root)) Directory.Delete(Root, recursive: true);
    }
}
