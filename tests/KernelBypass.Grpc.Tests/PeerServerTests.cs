using System.Diagnostics;

namespace KernelBypass.Grpc.Tests;

/// <summary>A server of another implementation, a process of its own, for a class of tests.</summary>
public abstract class PeerServer : IAsyncLifetime
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private Process? _process;

    public Uri Address { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _process = await StartProcessAsync();
        string? port = await _process.StandardOutput.ReadLineAsync().WaitAsync(s_limit);
        if (port is null)
            Assert.Fail("The peer did not start: " + await _process.StandardError.ReadToEndAsync());
        // Whatever it says from now on must not fill the pipe.
        _process.BeginErrorReadLine();
        Address = new Uri("http://127.0.0.1:" + port);
    }

    public virtual async Task DisposeAsync()
    {
        if (_process is null)
            return;
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(s_limit);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            throw;
        }
        finally
        {
            _process.Dispose();
        }
    }

    protected abstract Task<Process> StartProcessAsync();
}

/// <summary>A server on grpcio.</summary>
public sealed class GrpcioServer : PeerServer
{
    private readonly string _descriptors = PeerProcess.WriteDescriptors();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        File.Delete(_descriptors);
    }

    protected override Task<Process> StartProcessAsync() => Task.FromResult(PeerProcess.Start(
        PeerProcess.Python, Path.Combine(PeerProcess.Folder, "python"), "interop_server.py", _descriptors));
}

/// <summary>A server on @grpc/grpc-js.</summary>
public sealed class GrpcJsServer : PeerServer
{
    protected override async Task<Process> StartProcessAsync() => PeerProcess.Start(
        "node", await PeerProcess.InstallNodePackagesAsync(), "interop_server.js", PeerProcess.ProtoRoot);
}

/// <summary>Our client against grpcio.</summary>
public sealed class GrpcioServerTests(GrpcioServer server) : InteropTests(server.Address), IClassFixture<GrpcioServer>;

/// <summary>Our client against @grpc/grpc-js.</summary>
public sealed class GrpcJsServerTests(GrpcJsServer server) : InteropTests(server.Address), IClassFixture<GrpcJsServer>;
