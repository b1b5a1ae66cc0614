using Grpc.HealthCheck;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Sets up the health service.</summary>
public static class GrpcHealthExtensions
{
    /// <summary>
    /// Adds the health service as a singleton, <see cref="HealthServiceImpl"/>, on which the application sets what it knows.
    /// </summary>
    public static IServiceCollection AddGrpcHealthService(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAddSingleton<HealthServiceImpl>();
        return services;
    }

    /// <summary>Maps the health service. When the application stops, it says NOT_SERVING and ends those who watch.</summary>
    /// <exception cref="InvalidOperationException">AddGrpcHealthService was not called.</exception>
    public static GrpcServiceEndpointConventionBuilder MapGrpcHealthService(this IEndpointRouteBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var health = builder.ServiceProvider.GetService<HealthServiceImpl>()
            ?? throw new InvalidOperationException(
                "The health service is not set up: call services.AddGrpcHealthService() before MapGrpcHealthService.");
        builder.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.Register(health.Shutdown);
        return builder.MapGrpcService<HealthServiceImpl>();
    }
}
