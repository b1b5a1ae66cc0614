using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Grpc.Testing;

namespace KernelBypass.Grpc.Tests;

/// <summary>The cases of gRPC's interoperability tests that need no cloud, with our client.</summary>
public abstract class InteropTests : IDisposable
{
    private const string EchoInitialKey = "x-grpc-test-echo-initial";
    private const string EchoTrailingKey = "x-grpc-test-echo-trailing-bin";
    private static readonly Metadata s_gzip = new() { { "grpc-internal-encoding-request", "gzip" } };

    private readonly GrpcChannel _channel;
    private readonly TestService.TestServiceClient _client;

    protected InteropTests(Uri address)
    {
        _channel = GrpcChannel.ForAddress(address);
        _client = new TestService.TestServiceClient(_channel);
    }

    public void Dispose()
    {
        _channel.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Empty_unary() => Assert.NotNull(await _client.EmptyCallAsync(new Empty()));

    [Fact]
    public void Empty_unary_blocking() => Assert.NotNull(_client.EmptyCall(new Empty()));

    [Fact]
    public async Task Large_unary()
    {
        var response = await _client.UnaryCallAsync(LargeRequest());
        AssertZeros(314159, response.Payload);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Server_compressed_unary_is_read(bool compressed)
    {
        var request = LargeRequest();
        request.ResponseCompressed = new BoolValue { Value = compressed };
        AssertZeros(314159, (await _client.UnaryCallAsync(request)).Payload);
    }

    [Fact]
    public async Task Client_compressed_messages_are_understood()
    {
        AssertZeros(314159, (await _client.UnaryCallAsync(LargeRequest(), s_gzip)).Payload);
        using var call = _client.StreamingInputCall(s_gzip);
        await call.RequestStream.WriteAsync(new StreamingInputCallRequest { Payload = Zeros(27182) });
        call.RequestStream.WriteOptions = new WriteOptions(WriteFlags.NoCompress);
        await call.RequestStream.WriteAsync(new StreamingInputCallRequest { Payload = Zeros(45904) });
        await call.RequestStream.CompleteAsync();
        Assert.Equal(73086, (await call).AggregatedPayloadSize);
    }

    [Fact]
    public async Task Client_streaming()
    {
        using var call = _client.StreamingInputCall();
        foreach (int size in new[] { 27182, 8, 1828, 45904 })
            await call.RequestStream.WriteAsync(new StreamingInputCallRequest { Payload = Zeros(size) });
        await call.RequestStream.CompleteAsync();
        Assert.Equal(74922, (await call).AggregatedPayloadSize);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Server_streaming()
    {
        int[] sizes = [31415, 9, 2653, 58979];
        var request = new StreamingOutputCallRequest();
        request.ResponseParameters.Add(sizes.Select(s => new ResponseParameters { Size = s }));
        using var call = _client.StreamingOutputCall(request);
        var received = new List<int>();
        await foreach (var response in call.ResponseStream.ReadAllAsync())
            received.Add(response.Payload.Body.Length);
        Assert.Equal(sizes, received);
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Server_compressed_streaming_is_read()
    {
        using var call = _client.StreamingOutputCall(CompressedThenNot());
        var sizes = await call.ResponseStream.ReadAllAsync().Select(r => r.Payload.Body.Length).ToListAsync();
        Assert.Equal([31415, 92653], sizes);
    }

    [Fact]
    public async Task Ping_pong()
    {
        using var call = _client.FullDuplexCall();
        foreach (var (request, response) in new[] { (27182, 31415), (8, 9), (1828, 2653), (45904, 58979) })
        {
            await call.RequestStream.WriteAsync(Output(request, response));
            Assert.True(await call.ResponseStream.MoveNext());
            AssertZeros(response, call.ResponseStream.Current.Payload);
        }

        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Half_duplex()
    {
        using var call = _client.HalfDuplexCall();
        for (int i = 1; i <= 3; i++)
            await call.RequestStream.WriteAsync(Output(0, i));
        await call.RequestStream.CompleteAsync();
        var sizes = await call.ResponseStream.ReadAllAsync().Select(r => r.Payload.Body.Length).ToListAsync();
        Assert.Equal([1, 2, 3], sizes);
    }

    [Fact]
    public async Task Empty_stream()
    {
        using var call = _client.FullDuplexCall();
        await call.RequestStream.CompleteAsync();
        Assert.False(await call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.OK, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Custom_metadata()
    {
        byte[] bytes = [0xab, 0xab, 0xab];
        var metadata = new Metadata { { EchoInitialKey, "test_initial_metadata_value" }, { EchoTrailingKey, bytes } };
        using var unary = _client.UnaryCallAsync(LargeRequest(), metadata);
        await unary;
        Assert.Equal("test_initial_metadata_value", (await unary.ResponseHeadersAsync).GetValue(EchoInitialKey));
        Assert.Equal(bytes, unary.GetTrailers().GetValueBytes(EchoTrailingKey));

        using var duplex = _client.FullDuplexCall(metadata);
        await duplex.RequestStream.WriteAsync(Output(271828, 314159));
        await duplex.RequestStream.CompleteAsync();
        Assert.True(await duplex.ResponseStream.MoveNext());
        Assert.False(await duplex.ResponseStream.MoveNext());
        Assert.Equal("test_initial_metadata_value", (await duplex.ResponseHeadersAsync).GetValue(EchoInitialKey));
        Assert.Equal(bytes, duplex.GetTrailers().GetValueBytes(EchoTrailingKey));
    }

    [Theory]
    [InlineData("test status message")]
    [InlineData("\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")]
    public async Task Status_code_and_message_and_special_status_message(string message)
    {
        var status = new EchoStatus { Code = 2, Message = message };
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await _client.UnaryCallAsync(new SimpleRequest { ResponseStatus = status }));
        Assert.Equal((StatusCode.Unknown, message), (error.StatusCode, error.Status.Detail));

        using var duplex = _client.FullDuplexCall();
        await duplex.RequestStream.WriteAsync(new StreamingOutputCallRequest { ResponseStatus = status });
        await duplex.RequestStream.CompleteAsync();
        error = await Assert.ThrowsAsync<RpcException>(() => duplex.ResponseStream.MoveNext());
        Assert.Equal((StatusCode.Unknown, message), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public async Task Unimplemented_method()
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await _client.UnimplementedCallAsync(new Empty()));
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }

    [Fact]
    public async Task Unimplemented_service()
    {
        var client = new UnimplementedService.UnimplementedServiceClient(_channel);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await client.UnimplementedCallAsync(new Empty()));
        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }

    [Fact]
    public async Task Cancel_after_begin()
    {
        using var cancellation = new CancellationTokenSource();
        using var call = _client.StreamingInputCall(cancellationToken: cancellation.Token);
        await cancellation.CancelAsync();
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
        Assert.Equal(StatusCode.Cancelled, call.GetStatus().StatusCode);
    }

    [Fact]
    public async Task Cancel_after_first_response()
    {
        using var cancellation = new CancellationTokenSource();
        using var call = _client.FullDuplexCall(cancellationToken: cancellation.Token);
        await call.RequestStream.WriteAsync(Output(27182, 31415));
        Assert.True(await call.ResponseStream.MoveNext());
        await cancellation.CancelAsync();
        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext());
        Assert.Equal(StatusCode.Cancelled, error.StatusCode);
    }

    [Fact]
    public async Task Timeout_on_sleeping_server()
    {
        using var call = _client.FullDuplexCall(deadline: DateTime.UtcNow.AddMilliseconds(1));
        try
        {
            await call.RequestStream.WriteAsync(Output(27182, 1));
        }
        catch (RpcException e)
        {
            Assert.Equal(StatusCode.DeadlineExceeded, e.StatusCode);
        }

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await call.ResponseStream.MoveNext())
            {
            }
        });
        Assert.Equal(StatusCode.DeadlineExceeded, error.StatusCode);
    }

    protected static SimpleRequest LargeRequest() => new() { ResponseSize = 314159, Payload = Zeros(271828) };

    protected static StreamingOutputCallRequest CompressedThenNot() => new()
    {
        ResponseParameters =
        {
            new ResponseParameters { Size = 31415, Compressed = new BoolValue { Value = true } },
            new ResponseParameters { Size = 92653, Compressed = new BoolValue { Value = false } },
        },
    };

    private static StreamingOutputCallRequest Output(int requestSize, int responseSize) =>
        new() { Payload = Zeros(requestSize), ResponseParameters = { new ResponseParameters { Size = responseSize } } };

    protected static Payload Zeros(int size) => new() { Body = ByteString.CopyFrom(new byte[size]) };

    protected static void AssertZeros(int size, Payload payload)
    {
        Assert.Equal(size, payload.Body.Length);
        Assert.False(payload.Body.Span.ContainsAnyExcept((byte)0));
    }
}
