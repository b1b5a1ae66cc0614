using System.Net;
using Grpc.AspNetCore.Server;
using Grpc.Net.Client;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace KernelBypass.Grpc.Tests;

/// <summary>A Kestrel on a port of its own of 127.0.0.1, speaking HTTP/2 without TLS, with gRPC services mapped.</summary>
public sealed class GrpcTestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private GrpcTestServer(WebApplication app, Uri address)
    {
        _app = app;
        Address = address;
        Channel = GrpcChannel.ForAddress(address);
    }

    public Uri Address { get; }

    /// <summary>Every address, the first being <see cref="Address"/>.</summary>
    public IEnumerable<string> Addresses => _app.Urls;

    public GrpcChannel Channel { get; }

    public IServiceProvider Services => _app.Services;

    public LogCollector Log => _app.Services.GetRequiredService<LogCollector>();

    /// <summary>A server of the interop service.</summary>
    public static Task<GrpcTestServer> StartAsync(Action<GrpcServiceOptions>? options = null) =>
        StartAsync(app => app.MapGrpcService<TestServiceImpl>(), options);

    public static async Task<GrpcTestServer> StartAsync(
        Action<WebApplication> map,
        Action<GrpcServiceOptions>? options = null,
        Action<IServiceCollection>? services = null,
        Action<KestrelServerOptions>? kestrel = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        var log = new LogCollector();
        builder.Logging.AddProvider(log);
        builder.Services.AddSingleton(log);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2);
            kestrel?.Invoke(k);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(options ?? (_ => { }));
        services?.Invoke(builder.Services);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return new GrpcTestServer(app, new Uri(app.Urls.First()));
    }

    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        await _app.DisposeAsync();
    }
}
