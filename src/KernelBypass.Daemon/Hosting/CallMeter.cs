using System.Diagnostics;
using KernelBypass.Daemon.Telemetry;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace KernelBypass.Daemon.Hosting;

/// <summary>Middleware: counts and times gRPC calls. Paths that are no method of ours count as one, so that nobody can make series.</summary>
internal sealed class CallMeter(RequestDelegate next, DaemonMeter meter)
{
    /// <summary>Counts one call.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) != true)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        var start = Stopwatch.GetTimestamp();
        meter.CallStarted();
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            var known = context.GetEndpoint()?.DisplayName?.StartsWith("gRPC - /", StringComparison.Ordinal) == true;
            meter.CallEnded(known ? context.Request.Path.Value! : "unknown", StatusOf(context), Stopwatch.GetElapsedTime(start));
        }
    }

    private static string StatusOf(HttpContext context)
    {
        var trailers = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers;
        if (trailers is not null && trailers.TryGetValue("grpc-status", out var status)) return status.ToString();
        return context.Response.Headers.TryGetValue("grpc-status", out var early) ? early.ToString() : "1";
    }
}
