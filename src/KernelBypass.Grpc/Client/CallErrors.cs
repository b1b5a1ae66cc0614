using Grpc.Core;
using Grpc.Protocol;

namespace Grpc.Net.Client;

/// <summary>The statuses of exceptions that a client meets.</summary>
internal static class CallErrors
{
    /// <summary>The status for an exception; <paramref name="what"/> says what was being done.</summary>
    public static Status ToStatus(Exception exception, string what)
    {
        switch (exception)
        {
            case RpcException rpc:
                return rpc.Status;
            case OperationCanceledException:
                return new Status(StatusCode.Cancelled, "The call was cancelled.", exception);
        }

        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is HttpProtocolException protocol)
            {
                return new Status(
                    StatusMapping.FromHttp2Error(protocol.ErrorCode),
                    $"{what}: the server ended the stream with HTTP/2 error 0x{protocol.ErrorCode:x}.",
                    exception);
            }
        }

        // No connection, or one that broke: worth another try later.
        return exception is HttpRequestException or IOException
            ? new Status(StatusCode.Unavailable, $"{what}: {Innermost(exception).Message}", exception)
            : new Status(StatusCode.Internal, $"{what}: {exception.GetType().Name}: {exception.Message}", exception);
    }

    /// <summary>Whether no connection could be made, so that nothing of the request was sent.</summary>
    public static bool IsUnreachable(HttpRequestException exception) =>
        exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError;

    private static Exception Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
            exception = inner;
        return exception;
    }
}
