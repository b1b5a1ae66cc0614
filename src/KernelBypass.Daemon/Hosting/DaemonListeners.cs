using System.Net;
using System.Security.Cryptography.X509Certificates;
using KernelBypass.Daemon.Configuration;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace KernelBypass.Daemon.Hosting;

/// <summary>Where the API and the metrics page are listened for, and that neither is served at the other's place.</summary>
internal static class DaemonListeners
{
    /// <summary>Marks connections to the metrics listener.</summary>
    private sealed class MetricsListener;

    private static readonly MetricsListener s_metrics = new();

    internal static void Configure(IWebHostBuilder host, DaemonConfig config)
    {
        host.UseKestrelHttpsConfiguration();
        host.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            var limits = kestrel.Limits;
            limits.MaxRequestBodySize = null;
            limits.MinRequestBodyDataRate = null;
            limits.MinResponseDataRate = null;
            limits.Http2.MaxStreamsPerConnection = config.Grpc.MaxStreams;
            limits.Http2.InitialConnectionWindowSize = 4 << 20;
            limits.Http2.InitialStreamWindowSize = 2 << 20;
            limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
            limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
            ListenUnix(kestrel, config.Grpc);
            if (config.Grpc.TcpListen.Length > 0) ListenTcp(kestrel, config.Grpc);
            if (config.Telemetry.PrometheusListen.Length > 0) ListenMetrics(kestrel, config.Telemetry);
        });
    }

    /// <summary>Gives the socket the configured permissions.</summary>
    internal static void SetSocketMode(GrpcConfig config) => File.SetUnixFileMode(config.SocketPath, config.SocketMode);

    /// <summary>Middleware: the metrics listener serves the metrics page and nothing else, the others anything else.</summary>
    internal static RequestDelegate KeepApart(RequestDelegate next) => context =>
    {
        var metricsListener = context.Features.Get<MetricsListener>() is not null;
        if (metricsListener == (context.Request.Path == "/metrics")) return next(context);
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    };

    private static void ListenUnix(KestrelServerOptions kestrel, GrpcConfig config)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(config.SocketPath)!);
        // What a crash left; nobody listens there, as this process holds the lock of the run directory.
        File.Delete(config.SocketPath);
        kestrel.ListenUnixSocket(config.SocketPath, listen => listen.Protocols = HttpProtocols.Http2);
    }

    private static void ListenTcp(KestrelServerOptions kestrel, GrpcConfig config) =>
        kestrel.Listen(Configuration.Endpoint.Parse(config.TcpListen)!, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (config.TlsCertificate.Length == 0) return;
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(config.TlsCertificate);
            listen.UseHttps(https =>
            {
                https.ServerCertificate = X509Certificate2.CreateFromPemFile(config.TlsCertificate, config.TlsKey);
                https.ServerCertificateChain = chain;
                if (config.ClientCa.Length == 0) return;
                var authorities = new X509Certificate2Collection();
                authorities.ImportFromPemFile(config.ClientCa);
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (certificate, _, _) => IsFrom(certificate, authorities);
            });
        });

    private static void ListenMetrics(KestrelServerOptions kestrel, TelemetryConfig config) =>
        kestrel.Listen(Configuration.Endpoint.Parse(config.PrometheusListen)!, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection =>
            {
                connection.Features.Set(s_metrics);
                return next(connection);
            });
        });

    private static bool IsFrom(X509Certificate2 certificate, X509Certificate2Collection authorities)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
