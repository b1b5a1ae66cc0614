using System.Globalization;
using Grpc.Core;
using Grpc.Protocol;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>Writes a status into headers or trailers, and whole answers that have nothing but a status.</summary>
internal static class StatusHeaders
{
    public static void Write(IHeaderDictionary target, Status status)
    {
        target[HeaderNames.Status] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        if (status.Detail.Length > 0)
            target[HeaderNames.Message] = PercentEncoding.Encode(status.Detail);
    }

    /// <summary>Metadata as header fields.</summary>
    /// <exception cref="ArgumentException">An entry may not be sent.</exception>
    public static List<KeyValuePair<string, string>> ToWire(Metadata? metadata) =>
        metadata is null ? [] : [.. metadata.Select(e => KeyValuePair.Create(e.Key, MetadataHeaders.WireValue(e)))];

    /// <summary>A Trailers-Only response.</summary>
    public static void WriteTrailersOnly(HttpResponse response, StatusCode code, string detail)
    {
        response.ContentType = HeaderNames.GrpcContentType;
        Write(response.Headers, new Status(code, detail));
    }

    /// <summary>An answer to what is no gRPC request: an HTTP status, and the same as gRPC for clients that look.</summary>
    public static void WriteHttpError(HttpResponse response, int httpStatus, StatusCode code, string detail)
    {
        response.StatusCode = httpStatus;
        Write(response.Headers, new Status(code, detail));
    }
}
