using Grpc.Core;
using Grpc.Testing;

namespace KernelBypass.Grpc.Tests;

/// <summary>A server of ours for a class of tests.</summary>
public sealed class OwnServer : IAsyncLifetime
{
    public GrpcTestServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await GrpcTestServer.StartAsync();

    public Task DisposeAsync() => Server.DisposeAsync().AsTask();
}

/// <summary>Every interop case, our client against our server, and the compressed-flag of each message on the wire.</summary>
public sealed class OwnInteropTests(OwnServer own) : InteropTests(own.Server.Address), IClassFixture<OwnServer>
{
    private static readonly Metadata s_gzip = new() { { "grpc-internal-encoding-request", "gzip" } };

    private readonly TestService.TestServiceClient _client = new(own.Server.Channel);

    private Uri Address => own.Server.Address;

    [Fact]
    public async Task Client_compressed_unary()
    {
        var probe = LargeRequest();
        probe.ExpectCompressed = new BoolValue { Value = true };
        var error = await Assert.ThrowsAsync<RpcException>(async () => await _client.UnaryCallAsync(probe));
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);

        AssertZeros(314159, (await _client.UnaryCallAsync(probe, s_gzip)).Payload);

        var plain = LargeRequest();
        plain.ExpectCompressed = new BoolValue { Value = false };
        var options = new CallOptions(s_gzip, writeOptions: new WriteOptions(WriteFlags.NoCompress));
        AssertZeros(314159, (await _client.UnaryCallAsync(plain, options)).Payload);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Server_compressed_unary(bool compressed)
    {
        var request = LargeRequest();
        request.ResponseCompressed = new BoolValue { Value = compressed };
        var (flag, response) = await RawUnary.CallAsync<SimpleResponse>(Address, "UnaryCall", request);
        Assert.Equal(compressed ? 1 : 0, flag);
        AssertZeros(314159, response.Payload);
        AssertZeros(314159, (await _client.UnaryCallAsync(request)).Payload);
    }

    [Fact]
    public async Task Client_compressed_streaming()
    {
        using (var probe = _client.StreamingInputCall())
        {
            await probe.RequestStream.WriteAsync(
                new StreamingInputCallRequest { ExpectCompressed = new BoolValue { Value = true }, Payload = Zeros(27182) });
            var error = await Assert.ThrowsAsync<RpcException>(async () => await probe);
            Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        }

        using var call = _client.StreamingInputCall(s_gzip);
        await call.RequestStream.WriteAsync(
            new StreamingInputCallRequest { ExpectCompressed = new BoolValue { Value = true }, Payload = Zeros(27182) });
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
        await call.RequestStream.WriteAsync(
            new StreamingInputCallRequest { ExpectCompressed = new BoolValue { Value = false }, Payload = Zeros(45904) });
        await call.RequestStream.CompleteAsync();
        Assert.Equal(73086, (await call).AggregatedPayloadSize);
    }

    [Fact]
    public async Task Server_compressed_streaming()
    {
        var received = await RawUnary.ReadAllAsync<StreamingOutputCallResponse>(
            Address, "StreamingOutputCall", CompressedThenNot());
        Assert.Equal([(1, 31415), (0, 92653)], received.Select(r => ((int)r.Flag, r.Message.Payload.Body.Length)));
    }
}
