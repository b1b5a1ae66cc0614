using Grpc.Core;

namespace Grpc.AspNetCore.Server;

internal delegate Task<TResponse> UnaryServiceMethod<TService, TRequest, TResponse>(
    TService service, TRequest request, ServerCallContext context);

internal delegate Task<TResponse> ClientStreamingServiceMethod<TService, TRequest, TResponse>(
    TService service, IAsyncStreamReader<TRequest> requests, ServerCallContext context);

internal delegate Task ServerStreamingServiceMethod<TService, TRequest, TResponse>(
    TService service, TRequest request, IServerStreamWriter<TResponse> responses, ServerCallContext context);

internal delegate Task DuplexStreamingServiceMethod<TService, TRequest, TResponse>(
    TService service,
    IAsyncStreamReader<TRequest> requests,
    IServerStreamWriter<TResponse> responses,
    ServerCallContext context);

internal sealed class UnaryServerCallHandler<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    ServerCallEnvironment environment,
    UnaryServiceMethod<TService, TRequest, TResponse> invoke)
    : ServerCallHandler<TService, TRequest, TResponse>(method, environment)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    protected override async Task InvokeAsync(TService service, HttpContextServerCallContext call)
    {
        var request = await ReadSingleAsync(call).ConfigureAwait(false);
        WriteSingle(call, await invoke(service, request, call).ConfigureAwait(false));
    }
}

internal sealed class ClientStreamingServerCallHandler<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    ServerCallEnvironment environment,
    ClientStreamingServiceMethod<TService, TRequest, TResponse> invoke)
    : ServerCallHandler<TService, TRequest, TResponse>(method, environment)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    protected override async Task InvokeAsync(TService service, HttpContextServerCallContext call)
    {
        var reader = new HttpContextStreamReader<TRequest>(call, Method.RequestMarshaller.ContextualDeserializer);
        WriteSingle(call, await invoke(service, reader, call).ConfigureAwait(false));
    }
}

internal sealed class ServerStreamingServerCallHandler<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    ServerCallEnvironment environment,
    ServerStreamingServiceMethod<TService, TRequest, TResponse> invoke)
    : ServerCallHandler<TService, TRequest, TResponse>(method, environment)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    protected override async Task InvokeAsync(TService service, HttpContextServerCallContext call)
    {
        var request = await ReadSingleAsync(call).ConfigureAwait(false);
        var writer = new HttpContextStreamWriter<TResponse>(call, Method.ResponseMarshaller.ContextualSerializer);
        await invoke(service, request, writer, call).ConfigureAwait(false);
    }
}

internal sealed class DuplexStreamingServerCallHandler<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method,
    ServerCallEnvironment environment,
    DuplexStreamingServiceMethod<TService, TRequest, TResponse> invoke)
    : ServerCallHandler<TService, TRequest, TResponse>(method, environment)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    protected override Task InvokeAsync(TService service, HttpContextServerCallContext call)
    {
        var reader = new HttpContextStreamReader<TRequest>(call, Method.RequestMarshaller.ContextualDeserializer);
        var writer = new HttpContextStreamWriter<TResponse>(call, Method.ResponseMarshaller.ContextualSerializer);
        return invoke(service, reader, writer, call);
    }
}
