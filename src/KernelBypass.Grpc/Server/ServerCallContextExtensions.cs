using Grpc.AspNetCore.Server;
using Microsoft.AspNetCore.Http;

namespace Grpc.Core;

/// <summary>What a call served by ASP.NET Core has besides gRPC's own.</summary>
public static class ServerCallContextExtensions
{
    /// <summary>The HTTP request and response of a call.</summary>
    /// <exception cref="InvalidOperationException">The call did not come through ASP.NET Core (a test double).</exception>
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext) =>
        serverCallContext is HttpContextServerCallContext call
            ? call.HttpContext
            : throw new InvalidOperationException("This call has no HttpContext: it did not come through ASP.NET Core.");
}
