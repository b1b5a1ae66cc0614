using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Configures the endpoints of a gRPC service together.</summary>
public sealed class GrpcServiceEndpointConventionBuilder : IEndpointConventionBuilder
{
    private readonly IReadOnlyList<IEndpointConventionBuilder> _endpoints;

    internal GrpcServiceEndpointConventionBuilder(IReadOnlyList<IEndpointConventionBuilder> endpoints) => _endpoints = endpoints;

    /// <inheritdoc/>
    public void Add(Action<EndpointBuilder> convention)
    {
        foreach (var endpoint in _endpoints)
            endpoint.Add(convention);
    }
}

/// <summary>Maps gRPC services.</summary>
public static class GrpcEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps each method of a service to its endpoint, POST /package.Service/Method. The service is resolved from the
    /// container, or made for each call when it is not registered there.
    /// </summary>
    /// <exception cref="InvalidOperationException">AddGrpc was not called, or the class has no generated base.</exception>
    public static GrpcServiceEndpointConventionBuilder MapGrpcService<TService>(this IEndpointRouteBuilder builder)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.ServiceProvider;
        var tracker = services.GetService<ServerCallTracker>()
            ?? throw new InvalidOperationException("gRPC is not set up: call services.AddGrpc() before MapGrpcService.");
        var environment = new ServerCallEnvironment(
            services.GetRequiredService<IOptions<GrpcServiceOptions>>().Value,
            tracker,
            services.GetRequiredService<ILoggerFactory>().CreateLogger<TService>());
        var mapped = new List<IEndpointConventionBuilder>();
        var binder = new ServiceMethodBinder<TService>(builder, environment, mapped);
        binder.Bind();
        if (environment.Options.IgnoreUnknownServices != true)
            services.GetRequiredService<UnimplementedMethods>().Know(builder, binder.ServiceNames);
        return new GrpcServiceEndpointConventionBuilder(mapped);
    }
}
