using System.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Reflection;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Sets up server reflection.</summary>
public static class GrpcReflectionExtensions
{
    /// <summary>Adds server reflection over every gRPC service that the application maps.</summary>
    public static IServiceCollection AddGrpcReflection(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton(provider => new ReflectionServiceImpl(
            MappedServices(provider.GetRequiredService<EndpointDataSource>())));
        services.TryAddSingleton<ReflectionV1AlphaServiceImpl>();
        return services;
    }

    /// <summary>Maps server reflection, v1 and v1alpha.</summary>
    /// <exception cref="InvalidOperationException">AddGrpcReflection was not called.</exception>
    public static IEndpointConventionBuilder MapGrpcReflectionService(this IEndpointRouteBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        if (builder.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(typeof(ReflectionServiceImpl)) == false)
        {
            throw new InvalidOperationException(
                "Reflection is not set up: call services.AddGrpcReflection() before MapGrpcReflectionService.");
        }

        return new GrpcServiceEndpointConventionBuilder(
            [builder.MapGrpcService<ReflectionServiceImpl>(), builder.MapGrpcService<ReflectionV1AlphaServiceImpl>()]);
    }

    // The generated class that holds the base class of a service also has its descriptor.
    private static IEnumerable<ServiceDescriptor> MappedServices(EndpointDataSource endpoints) => endpoints.Endpoints
        .Select(e => e.Metadata.GetMetadata<GrpcMethodMetadata>()?.ServiceType)
        .OfType<Type>()
        .Distinct()
        .Select(Descriptor)
        .OfType<ServiceDescriptor>();

    private static ServiceDescriptor? Descriptor(Type serviceType) => serviceType
        .GetCustomAttribute<BindServiceMethodAttribute>(inherit: true)?.BindType
        .GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)?.GetValue(null) as ServiceDescriptor;
}
