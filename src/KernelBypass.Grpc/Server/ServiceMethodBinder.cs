using System.Reflection;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Grpc.AspNetCore.Server;

/// <summary>
/// Makes an endpoint of each method of a service. The generated <c>BindService</c> is run without a service: it names the
/// methods, and the implementation of each is then looked up on the service's class, to be called on an instance per call.
/// </summary>
internal sealed class ServiceMethodBinder<TService>(
    IEndpointRouteBuilder endpoints, ServerCallEnvironment environment, List<IEndpointConventionBuilder> mapped)
    : ServiceBinderBase
    where TService : class
{
    public HashSet<string> ServiceNames { get; } = [];

    /// <summary>Runs the generated binding of a service's class.</summary>
    /// <exception cref="InvalidOperationException">The class has no generated base.</exception>
    public void Bind()
    {
        for (var type = typeof(TService); type is not null; type = type.BaseType)
        {
            var attribute = type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false);
            if (attribute is null)
                continue;
            var bind = attribute.BindType.GetMethod(
                attribute.BindMethodName,
                BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static,
                [typeof(ServiceBinderBase), type])
                ?? throw new InvalidOperationException($"{attribute.BindType} has no method {attribute.BindMethodName}.");
            bind.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [this, null], null);
            return;
        }

        throw new InvalidOperationException(
            $"{typeof(TService)} is no gRPC service: it must derive from a class that Grpc.Tools generated (XxxBase).");
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<UnaryServiceMethod<TService, TRequest, TResponse>>(
            method, typeof(TRequest), typeof(ServerCallContext));
        Map(method, info, new UnaryServerCallHandler<TService, TRequest, TResponse>(method, environment, invoke).HandleAsync);
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<ClientStreamingServiceMethod<TService, TRequest, TResponse>>(
            method, typeof(IAsyncStreamReader<TRequest>), typeof(ServerCallContext));
        Map(
            method,
            info,
            new ClientStreamingServerCallHandler<TService, TRequest, TResponse>(method, environment, invoke).HandleAsync);
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<ServerStreamingServiceMethod<TService, TRequest, TResponse>>(
            method, typeof(TRequest), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        Map(
            method,
            info,
            new ServerStreamingServerCallHandler<TService, TRequest, TResponse>(method, environment, invoke).HandleAsync);
    }

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler)
    {
        var (info, invoke) = Find<DuplexStreamingServiceMethod<TService, TRequest, TResponse>>(
            method, typeof(IAsyncStreamReader<TRequest>), typeof(IServerStreamWriter<TResponse>), typeof(ServerCallContext));
        Map(
            method,
            info,
            new DuplexStreamingServerCallHandler<TService, TRequest, TResponse>(method, environment, invoke).HandleAsync);
    }

    private static (MethodInfo Info, TDelegate Invoke) Find<TDelegate>(IMethod method, params Type[] parameters)
        where TDelegate : Delegate
    {
        var info = typeof(TService).GetMethod(method.Name, BindingFlags.Public | BindingFlags.Instance, parameters)
            ?? throw new InvalidOperationException($"{typeof(TService)} has no method {method.Name} for {method.FullName}.");
        return (info, info.CreateDelegate<TDelegate>());
    }

    private void Map(IMethod method, MethodInfo info, RequestDelegate handler)
    {
        ServiceNames.Add(method.ServiceName);
        // Attributes of the class and then of the method, so that [Authorize] and the like work as on a controller.
        object[] metadata =
        [
            .. typeof(TService).GetCustomAttributes(inherit: true),
            .. info.GetCustomAttributes(inherit: true),
            new GrpcMethodMetadata(typeof(TService), method),
        ];
        mapped.Add(endpoints.MapMethods(method.FullName, [HttpMethods.Post], handler)
            .WithDisplayName("gRPC - " + method.FullName)
            .WithMetadata(metadata));
    }
}
