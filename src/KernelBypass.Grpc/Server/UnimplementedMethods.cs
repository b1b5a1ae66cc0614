using Grpc.Core;
using Grpc.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Grpc.AspNetCore.Server;

/// <summary>Answers calls of services and methods that are not there with UNIMPLEMENTED.</summary>
internal sealed class UnimplementedMethods
{
    private readonly HashSet<string> _services = [];
    private bool _mapped;

    /// <summary>Takes note of a service; the first one maps the endpoint for what is not there.</summary>
    public void Know(IEndpointRouteBuilder endpoints, IEnumerable<string> services)
    {
        _services.UnionWith(services);
        if (_mapped)
            return;
        _mapped = true;
        var pattern = RoutePatternFactory.Parse(
            "/{grpcService}/{grpcMethod}", defaults: null, parameterPolicies: new { grpcMethod = new GrpcRequestConstraint() });
        endpoints.Map(pattern, Answer)
            .WithDisplayName("gRPC - unimplemented")
            .WithMetadata(new HttpMethodMetadata([HttpMethods.Post]))
            .WithOrder(int.MaxValue);
    }

    private Task Answer(HttpContext http)
    {
        string service = (string)http.Request.RouteValues["grpcService"]!;
        string method = (string)http.Request.RouteValues["grpcMethod"]!;
        StatusHeaders.WriteTrailersOnly(
            http.Response,
            StatusCode.Unimplemented,
            _services.Contains(service)
                ? $"Service '{service}' has no method '{method}'."
                : $"There is no service '{service}'.");
        return Task.CompletedTask;
    }

    // Leaves every other request alone: the application may have routes of its own.
    private sealed class GrpcRequestConstraint : IRouteConstraint
    {
        public bool Match(
            HttpContext? httpContext,
            IRouter? route,
            string routeKey,
            RouteValueDictionary values,
            RouteDirection routeDirection) =>
            httpContext is not null
            && !HttpProtocol.IsHttp11(httpContext.Request.Protocol)
            && HeaderNames.IsGrpcContentType(httpContext.Request.ContentType);
    }
}
