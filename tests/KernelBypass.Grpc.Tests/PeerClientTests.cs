using Grpc.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace KernelBypass.Grpc.Tests;

/// <summary>Our server against the clients of other implementations, end to end over TCP.</summary>
public sealed class PeerClientTests : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private GrpcTestServer _server = null!;

    public async Task InitializeAsync() => _server = await GrpcTestServer.StartAsync(
        app =>
        {
            app.MapGrpcService<TestServiceImpl>();
            app.MapGrpcHealthService();
            app.MapGrpcReflectionService();
        },
        services: s => s.AddGrpcHealthService().AddGrpcReflection());

    public Task DisposeAsync() => _server.DisposeAsync().AsTask();

    [Fact]
    public async Task Grpcio()
    {
        string descriptors = PeerProcess.WriteDescriptors();
        try
        {
            var (exitCode, output) = await PeerProcess.RunAsync(
                PeerProcess.Python,
                Path.Combine(PeerProcess.Folder, "python"),
                s_limit,
                "interop_client.py",
                _server.Address.Authority,
                descriptors);
            AssertAllOk(exitCode, output, 25);
        }
        finally
        {
            File.Delete(descriptors);
        }
    }

    [Fact]
    public async Task Grpc_js()
    {
        string folder = await PeerProcess.InstallNodePackagesAsync();
        var (exitCode, output) = await PeerProcess.RunAsync(
            "node", folder, s_limit, "interop_client.js", _server.Address.Authority, PeerProcess.ProtoRoot);
        AssertAllOk(exitCode, output, 21);
    }

    private void AssertAllOk(int exitCode, string output, int cases)
    {
        Assert.True(exitCode == 0, output);
        Assert.Equal(cases, output.Split('\n').Count(line => line.StartsWith("ok ", StringComparison.Ordinal)));
        Assert.DoesNotContain(_server.Log.Entries, e => e.Level >= LogLevel.Error);
    }
}
