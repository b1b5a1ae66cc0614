using Grpc.Core;
using Grpc.Testing;

namespace KernelBypass.Grpc.Tests;

/// <summary>A service whose methods a test gives.</summary>
public sealed class ScriptedService : TestService.TestServiceBase
{
    public Func<SimpleRequest, ServerCallContext, Task<SimpleResponse>>? Unary { get; init; }

    public Func<
        IAsyncStreamReader<StreamingOutputCallRequest>,
        IServerStreamWriter<StreamingOutputCallResponse>,
        ServerCallContext,
        Task>? Duplex
    { get; init; }

    public override Task<SimpleResponse> UnaryCall(SimpleRequest request, ServerCallContext context) => Unary!(request, context);

    public override Task FullDuplexCall(
        IAsyncStreamReader<StreamingOutputCallRequest> requestStream,
        IServerStreamWriter<StreamingOutputCallResponse> responseStream,
        ServerCallContext context) => Duplex!(requestStream, responseStream, context);
}

internal static class GrpcTestServerExtensions
{
    public static TestService.TestServiceClient Client(this GrpcTestServer server) => new(server.Channel);
}
