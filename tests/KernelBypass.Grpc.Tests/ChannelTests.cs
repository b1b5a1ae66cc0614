using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace KernelBypass.Grpc.Tests;

/// <summary>How a channel reaches its server: TCP or a unix socket, now or when there is one.</summary>
public sealed class ChannelTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task No_server_is_unavailable_unless_the_call_waits_for_one()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        using var channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");
        var client = new TestService.TestServiceClient(channel);
        Assert.Equal(StatusCode.Unavailable, (await FailsAsync(client.EmptyCallAsync(new Empty()))).StatusCode);

        var waiting = client.EmptyCallAsync(new Empty(), new CallOptions().WithWaitForReady());
        await Task.Delay(100);
        Assert.False(waiting.ResponseAsync.IsCompleted);
        await using var server = await GrpcTestServer.StartAsync(
            app => app.MapGrpcService<TestServiceImpl>(),
            kestrel: k => k.ListenLocalhost(port, l => l.Protocols = HttpProtocols.Http2));
        await waiting.ResponseAsync.WaitAsync(s_patience);

        using var never = GrpcChannel.ForAddress($"unix://{Path.GetTempPath()}/kb-grpc-no-such-{Guid.NewGuid():N}.sock");
        var options = new CallOptions(deadline: DateTime.UtcNow.AddMilliseconds(200)).WithWaitForReady();
        var error = await FailsAsync(new TestService.TestServiceClient(never).EmptyCallAsync(new Empty(), options));
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
    }

    [Fact]
    public async Task Unix_sockets_work_by_address_and_by_connect_callback()
    {
        string path = Path.Combine(Path.GetTempPath(), $"kb-grpc-{Guid.NewGuid():N}.sock");
        string? peer = null;
        var service = new ScriptedService
        {
            Unary = (_, context) =>
            {
                peer = context.Peer;
                return Task.FromResult(new SimpleResponse());
            },
        };
        await using var server = await GrpcTestServer.StartAsync(
            app => app.MapGrpcService<ScriptedService>(),
            services: s => s.AddSingleton(service),
            kestrel: k => k.ListenUnixSocket(path, l => l.Protocols = HttpProtocols.Http2));
        using var byAddress = GrpcChannel.ForAddress("unix://" + path);
        await new TestService.TestServiceClient(byAddress).UnaryCallAsync(new SimpleRequest());
        Assert.Equal("unix:", peer);
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, token) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var byCallback = GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });
        await new TestService.TestServiceClient(byCallback).UnaryCallAsync(new SimpleRequest());
    }

    private static async Task<RpcException> FailsAsync<T>(AsyncUnaryCall<T> call) =>
        await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseAsync.WaitAsync(s_patience));
}
