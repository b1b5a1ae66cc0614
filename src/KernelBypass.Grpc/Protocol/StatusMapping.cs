using System.Globalization;
using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>Statuses for what ends a call below gRPC: an HTTP status or an HTTP/2 error code.</summary>
internal static class StatusMapping
{
    /// <summary>For a response without grpc-status (gRPC doc/http-grpc-status-mapping.md).</summary>
    public static StatusCode FromHttpStatus(int httpStatus) => httpStatus switch
    {
        400 => StatusCode.Internal,
        401 => StatusCode.Unauthenticated,
        403 => StatusCode.PermissionDenied,
        404 => StatusCode.Unimplemented,
        429 or 502 or 503 or 504 => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    /// <summary>For RST_STREAM and GOAWAY (PROTOCOL-HTTP2.md, "Errors"; the codes are RFC 9113 section 7).</summary>
    public static StatusCode FromHttp2Error(long errorCode) => errorCode switch
    {
        0x7 => StatusCode.Unavailable, // REFUSED_STREAM: certain that nothing was processed
        0x8 => StatusCode.Cancelled, // CANCEL
        0xB => StatusCode.ResourceExhausted, // ENHANCE_YOUR_CALM
        0xC => StatusCode.PermissionDenied, // INADEQUATE_SECURITY
        _ => StatusCode.Internal, // NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR ...
    };

    /// <summary>Reads grpc-status: a code that is no number of the specification is UNKNOWN.</summary>
    public static StatusCode ParseStatusCode(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int code)
            && code is >= (int)StatusCode.OK and <= (int)StatusCode.Unauthenticated
            ? (StatusCode)code
            : StatusCode.Unknown;
}
