using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace KernelBypass.Grpc.Tests;

/// <summary>gRPC over TLS, with client certificates and call credentials, and what is refused without HTTP/2.</summary>
public sealed class TlsTests
{
    [Fact]
    public async Task Mutual_tls_tells_the_service_who_calls()
    {
        using var authority = NewCertificate("localhost", "localhost");
        using var user = NewCertificate("alice", "alice.example");
        AuthContext? seen = null;
        string? authorization = null;
        var service = new ScriptedService
        {
            Unary = (_, context) =>
            {
                seen = context.AuthContext;
                authorization = context.RequestHeaders.GetValue("authorization");
                return Task.FromResult(new SimpleResponse());
            },
        };
        await using var server = await GrpcTestServer.StartAsync(
            app => app.MapGrpcService<ScriptedService>(),
            services: s => s.AddSingleton(service),
            kestrel: k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(authority, https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.AllowAnyClientCertificate();
            })));
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = [user],
                RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    certificate!.GetCertHashString() == authority.GetCertHashString(),
            },
        };
        var credentials = CallCredentials.FromInterceptor((context, metadata) =>
        {
            metadata.Add("authorization", $"Bearer {context.MethodName}");
            return Task.CompletedTask;
        });
        string address = server.Addresses.Single(a => a.StartsWith("https", StringComparison.Ordinal));
        using var channel = GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            Credentials = ChannelCredentials.Create(ChannelCredentials.SecureSsl, credentials),
        });
        await new TestService.TestServiceClient(channel).UnaryCallAsync(new SimpleRequest());
        Assert.True(seen!.IsPeerAuthenticated);
        Assert.Equal("alice.example", Assert.Single(seen.PeerIdentity).Value);
        Assert.Equal("alice", Assert.Single(seen.FindPropertiesByName("x509_common_name")).Value);
        Assert.Equal("Bearer UnaryCall", authorization);
    }

    [Fact]
    public async Task Without_tls_nobody_is_authenticated()
    {
        AuthContext? seen = null;
        var service = new ScriptedService
        {
            Unary = (_, context) =>
            {
                seen = context.AuthContext;
                Assert.StartsWith("ipv4:127.0.0.1:", context.Peer, StringComparison.Ordinal);
                Assert.Equal("/grpc.testing.TestService/UnaryCall", context.Method);
                Assert.Same(context.GetHttpContext(), context.GetHttpContext());
                return Task.FromResult(new SimpleResponse());
            },
        };
        await using var server = await GrpcTestServer.StartAsync(
            app => app.MapGrpcService<ScriptedService>(), services: s => s.AddSingleton(service));
        await server.Client().UnaryCallAsync(new SimpleRequest());
        Assert.False(seen!.IsPeerAuthenticated);
        Assert.Empty(seen.PeerIdentity);
    }

    [Fact]
    public async Task Http_1_is_told_to_upgrade()
    {
        await using var server = await GrpcTestServer.StartAsync(
            app => app.MapGrpcService<TestServiceImpl>(),
            kestrel: k => k.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http1));
        using var client = new HttpClient();
        using var content = new ByteArrayContent(RawUnary.Frame(0, []));
        content.Headers.TryAddWithoutValidation("content-type", "application/grpc");
        var address = new Uri(server.Addresses.Last() + "/grpc.testing.TestService/EmptyCall");
        using var response = await client.PostAsync(address, content);
        Assert.Equal(StatusCodes.Status426UpgradeRequired, (int)response.StatusCode);
    }

    private static X509Certificate2 NewCertificate(string name, string dnsName)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(dnsName);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
