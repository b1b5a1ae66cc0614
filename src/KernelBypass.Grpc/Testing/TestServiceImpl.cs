using Google.Protobuf;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Protocol;

namespace Grpc.Testing;

/// <summary>
/// The server of gRPC's interoperability tests (gRPC doc/interop-test-descriptions.md), to which the interop client of any
/// language can be pointed. UnimplementedCall is left unimplemented, as the tests want it, and CacheableUnaryCall too: it is
/// about HTTP GET and proxies.
/// </summary>
public sealed class TestServiceImpl : TestService.TestServiceBase
{
    private const string EchoInitialKey = "x-grpc-test-echo-initial";
    private const string EchoTrailingKey = "x-grpc-test-echo-trailing-bin";

    private static readonly WriteOptions s_uncompressed = new(WriteFlags.NoCompress);

    /// <inheritdoc/>
    public override Task<Empty> EmptyCall(Empty request, ServerCallContext context) => Task.FromResult(new Empty());

    /// <inheritdoc/>
    public override async Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(context);
        ExpectCompressed(request.ExpectCompressed, ((HttpContextServerCallContext)context).RequestWasCompressed);
        await EchoMetadataAsync(context, compress: request.ResponseCompressed?.Value == true);
        EchoStatus(request.ResponseStatus);
        context.WriteOptions = Compression(request.ResponseCompressed);
        return new SimpleResponse { Payload = Payload(request.ResponseSize) };
    }

    /// <inheritdoc/>
    public override async Task StreamingOutputCall(
        StreamingOutputCallRequest request,
        IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(responseStream);
        ArgumentNullException.ThrowIfNull(context);
        await EchoMetadataAsync(context, compress: request.ResponseParameters.Any(p => p.Compressed?.Value == true));
        await RespondAsync(request, responseStream, context.CancellationToken);
        EchoStatus(request.ResponseStatus);
    }

    /// <inheritdoc/>
    public override async Task<StreamingInputCallResponse> StreamingInputCall(
        IAsyncStreamReader<StreamingInputCallRequest> requestStream, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(requestStream);
        ArgumentNullException.ThrowIfNull(context);
        await EchoMetadataAsync(context, compress: false);
        var input = ((HttpContextServerCallContext)context).Input;
        int size = 0;
        while (await requestStream.MoveNext())
        {
            ExpectCompressed(requestStream.Current.ExpectCompressed, input.LastWasCompressed);
            size += requestStream.Current.Payload?.Body.Length ?? 0;
        }

        return new StreamingInputCallResponse { AggregatedPayloadSize = size };
    }

    /// <inheritdoc/>
    public override async Task FullDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requestStream,
        IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(requestStream);
        ArgumentNullException.ThrowIfNull(responseStream);
        ArgumentNullException.ThrowIfNull(context);
        await EchoMetadataAsync(context, compress: false);
        while (await requestStream.MoveNext())
        {
            EchoStatus(requestStream.Current.ResponseStatus);
            await RespondAsync(requestStream.Current, responseStream, context.CancellationToken);
        }
    }

    /// <inheritdoc/>
    public override async Task HalfDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requestStream,
        IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(requestStream);
        ArgumentNullException.ThrowIfNull(responseStream);
        ArgumentNullException.ThrowIfNull(context);
        await EchoMetadataAsync(context, compress: false);
        var requests = new List<StreamingOutputCallRequest>();
        while (await requestStream.MoveNext())
            requests.Add(requestStream.Current);
        foreach (var request in requests)
        {
            EchoStatus(request.ResponseStatus);
            await RespondAsync(request, responseStream, context.CancellationToken);
        }
    }

    private static async Task RespondAsync(
        StreamingOutputCallRequest request,
        IServerStreamWriter<StreamingOutputCallResponse> responses,
        CancellationToken cancellationToken)
    {
        foreach (var wanted in request.ResponseParameters)
        {
            if (wanted.IntervalUs > 0)
                await Task.Delay(TimeSpan.FromMicroseconds(wanted.IntervalUs), cancellationToken);
            responses.WriteOptions = Compression(wanted.Compressed);
            await responses.WriteAsync(new StreamingOutputCallResponse { Payload = Payload(wanted.Size) }, cancellationToken);
        }
    }

    // custom_metadata: what came under these keys goes back, in the headers and in the trailers.
    private static async Task EchoMetadataAsync(ServerCallContext context, bool compress)
    {
        var headers = new Metadata();
        foreach (var entry in context.RequestHeaders.GetAll(EchoInitialKey))
            headers.Add(entry);
        if (compress)
            headers.Add(Metadata.CompressionRequestAlgorithmKey, HeaderNames.GzipEncoding);
        foreach (var entry in context.RequestHeaders.GetAll(EchoTrailingKey))
            context.ResponseTrailers.Add(entry);
        if (headers.Count > 0)
            await context.WriteResponseHeadersAsync(headers);
    }

    private static void EchoStatus(EchoStatus? status)
    {
        if (status is { Code: not 0 })
            throw new RpcException(new Status((StatusCode)status.Code, status.Message));
    }

    private static void ExpectCompressed(BoolValue? expected, bool compressed)
    {
        if (expected is not null && expected.Value != compressed)
        {
            throw new RpcException(new Status(
                StatusCode.InvalidArgument, $"The request was expected {(expected.Value ? "" : "not ")}to be compressed."));
        }
    }

    private static WriteOptions Compression(BoolValue? compressed) =>
        compressed?.Value == true ? WriteOptions.Default : s_uncompressed;

    private static Payload Payload(int size) => size < 0
        ? throw new RpcException(new Status(StatusCode.InvalidArgument, $"A response of {size} bytes was asked for."))
        : new Payload { Body = UnsafeByteOperations.UnsafeWrap(new byte[size]) };
}
