using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server;

/// <summary>Every log message of the server.</summary>
internal static partial class ServerLog
{
    [LoggerMessage(1, LogLevel.Error, "The handler of {Method} threw; the call ends with UNKNOWN.")]
    public static partial void HandlerThrew(ILogger logger, string method, Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "Call of {Method} ended with {Code}: {Detail}")]
    public static partial void CallFailed(ILogger logger, string method, StatusCode code, string detail);

    [LoggerMessage(3, LogLevel.Information, "The server is stopping with {Count} gRPC calls running; they have {Grace} to end.")]
    public static partial void Draining(ILogger logger, int count, TimeSpan grace);

    [LoggerMessage(4, LogLevel.Warning, "Ending {Count} gRPC calls that still run with UNAVAILABLE.")]
    public static partial void DrainExpired(ILogger logger, int count);

    [LoggerMessage(5, LogLevel.Error, "A response of {Method} failed halfway through a message; the stream is reset.")]
    public static partial void ResponseBroken(ILogger logger, string method);

    [LoggerMessage(6, LogLevel.Debug, "Refused a request for {Path} with HTTP status {HttpStatus}: {Reason}")]
    public static partial void RequestRefused(ILogger logger, string path, int httpStatus, string reason);

    [LoggerMessage(7, LogLevel.Warning, "Disposing the service of {Method} threw.")]
    public static partial void DisposeThrew(ILogger logger, string method, Exception exception);
}
