using Grpc.Core;
using Grpc.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server;

/// <summary>What the handlers of a server's methods share.</summary>
internal sealed record ServerCallEnvironment(GrpcServiceOptions Options, ServerCallTracker Tracker, ILogger Logger);

/// <summary>Serves the calls of one method: what is the same for all four kinds.</summary>
internal abstract class ServerCallHandler<TService, TRequest, TResponse>(
    Method<TRequest, TResponse> method, ServerCallEnvironment environment)
    where TService : class
    where TRequest : class
    where TResponse : class
{
    private static readonly ObjectFactory<TService> s_factory = ActivatorUtilities.CreateFactory<TService>([]);

    protected Method<TRequest, TResponse> Method { get; } = method;

    /// <summary>Serves one request.</summary>
    public Task HandleAsync(HttpContext http)
    {
        if (!HttpProtocol.IsHttp2(http.Request.Protocol) && !HttpProtocol.IsHttp3(http.Request.Protocol))
            return Refuse(http, StatusCodes.Status426UpgradeRequired, $"gRPC takes HTTP/2, this is {http.Request.Protocol}.");
        if (!HeaderNames.IsGrpcContentType(http.Request.ContentType))
        {
            return Refuse(
                http,
                StatusCodes.Status415UnsupportedMediaType,
                $"Content-Type '{http.Request.ContentType}' is not supported: it must be application/grpc.");
        }

        return ServeAsync(new HttpContextServerCallContext(http, environment.Options, Method.FullName));
    }

    /// <summary>Reads the requests, runs the handler and writes the responses.</summary>
    protected abstract Task InvokeAsync(TService service, HttpContextServerCallContext call);

    /// <summary>Reads the only request of a call.</summary>
    protected async ValueTask<TRequest> ReadSingleAsync(HttpContextServerCallContext call)
    {
        var deserializer = Method.RequestMarshaller.ContextualDeserializer;
        try
        {
            var (found, request) = await call.Input.ReadAsync(deserializer, call.CancellationToken).ConfigureAwait(false);
            if (!found)
                throw MessageErrors.NotOneMessage("request", "none");
            bool compressed = call.Input.LastWasCompressed;
            var (another, _) = await call.Input.ReadAsync(deserializer, call.CancellationToken).ConfigureAwait(false);
            if (another)
                throw MessageErrors.NotOneMessage("request", "more than one");
            call.RequestWasCompressed = compressed;
            return request;
        }
        catch (IOException e)
        {
            throw call.ClientGone(e);
        }
    }

    /// <summary>Writes the only response of a call, unless the handler chose a status other than OK.</summary>
    protected void WriteSingle(HttpContextServerCallContext call, TResponse? response)
    {
        if (call.Status.StatusCode != StatusCode.OK)
            return;
        if (response is null)
            throw new RpcException(new Status(StatusCode.Unknown, "The handler returned no message."));
        call.Output.WriteLast(
            response, Method.ResponseMarshaller.ContextualSerializer, call.WriteOptions?.Flags ?? WriteFlags.None);
    }

    private Task Refuse(HttpContext http, int httpStatus, string reason)
    {
        ServerLog.RequestRefused(environment.Logger, Method.FullName, httpStatus, reason);
        StatusHeaders.WriteHttpError(http.Response, httpStatus, StatusCode.Internal, reason);
        return Task.CompletedTask;
    }

    private async Task ServeAsync(HttpContextServerCallContext call)
    {
        Status status;
        try
        {
            try
            {
                call.Start();
                environment.Tracker.Add(call);
                await RunAsync(call).ConfigureAwait(false);
                status = call.Status;
            }
            catch (Exception e)
            {
                status = ToStatus(e, call);
            }

            try
            {
                await call.EndAsync(status, call.Trailers).ConfigureAwait(false);
            }
            catch (ArgumentException e)
            {
                await call.EndAsync(ToStatus(e, call), null).ConfigureAwait(false);
            }
        }
        finally
        {
            environment.Tracker.Remove(call);
            call.Dispose();
        }
    }

    private async Task RunAsync(HttpContextServerCallContext call)
    {
        var services = call.HttpContext.RequestServices;
        var registered = services.GetService<TService>();
        var service = registered ?? s_factory(services, []);
        try
        {
            await InvokeAsync(service, call).ConfigureAwait(false);
        }
        finally
        {
            if (registered is null)
                await DisposeAsync(service).ConfigureAwait(false);
        }
    }

    private async ValueTask DisposeAsync(TService service)
    {
        try
        {
            if (service is IAsyncDisposable asyncDisposable)
                await asyncDisposable.DisposeAsync().ConfigureAwait(false);
            else
                (service as IDisposable)?.Dispose();
        }
        catch (Exception e)
        {
            ServerLog.DisposeThrew(environment.Logger, Method.FullName, e);
        }
    }

    private Status ToStatus(Exception exception, HttpContextServerCallContext call)
    {
        if (call.Output.IsBroken)
            ServerLog.ResponseBroken(environment.Logger, Method.FullName);
        if (exception is RpcException rpc)
        {
            ServerLog.CallFailed(environment.Logger, Method.FullName, rpc.StatusCode, rpc.Status.Detail);
            foreach (var entry in rpc.Trailers)
            {
                if (!HeaderNames.IsReserved(entry.Key))
                    call.ResponseTrailers.Add(entry);
            }

            return rpc.Status;
        }

        if (call.IsCancelled)
            return new Status(StatusCode.Cancelled, "The call was cancelled.");
        ServerLog.HandlerThrew(environment.Logger, Method.FullName, exception);
        string detail = "Exception was thrown by handler.";
        if (environment.Options.EnableDetailedErrors == true)
            detail += $" {exception.GetType().Name}: {exception.Message}";
        return new Status(StatusCode.Unknown, detail);
    }
}
