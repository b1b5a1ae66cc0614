using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Protocol;

namespace Grpc.Net.Client;

/// <summary>Reads status and metadata from the headers and trailers of a response.</summary>
internal static class ResponseStatus
{
    /// <summary>
    /// Whether a response ends the call by its headers alone: Trailers-Only, or one that is not from a gRPC server.
    /// </summary>
    public static bool TryReadEnd(HttpResponseMessage response, out CallEnd end)
    {
        if (TryRead(response.Headers, out var status))
        {
            end = new CallEnd(status, ReadMetadata(response.Headers));
            return true;
        }

        string? contentType = response.Content.Headers.NonValidated.TryGetValues(HeaderNames.ContentType, out var values)
            ? values.ToString()
            : null;
        string? problem = null;
        if (response.StatusCode != HttpStatusCode.OK)
            problem = $"The server answered with HTTP status {(int)response.StatusCode}.";
        else if (!HeaderNames.IsGrpcContentType(contentType))
            problem = $"The server answered with content-type '{contentType}', which is not gRPC.";
        end = new CallEnd(
            new Status(StatusMapping.FromHttpStatus((int)response.StatusCode), problem ?? ""), ReadMetadata(response.Headers));
        return problem is not null;
    }

    /// <summary>The status in the trailers, once the body has been read.</summary>
    public static CallEnd ReadTrailers(HttpResponseMessage response)
    {
        if (!TryRead(response.TrailingHeaders, out var status))
            status = new Status(StatusCode.Unknown, "The server ended the stream without a grpc-status.");
        return new CallEnd(status, ReadMetadata(response.TrailingHeaders));
    }

    /// <summary>Whether the messages may be compressed.</summary>
    /// <exception cref="RpcException">INTERNAL, as compression.md has it, for an encoding that is not known.</exception>
    public static bool IsGzip(HttpResponseMessage response)
    {
        string? encoding = Value(response.Headers, HeaderNames.Encoding);
        return encoding switch
        {
            null or HeaderNames.IdentityEncoding => false,
            HeaderNames.GzipEncoding => true,
            _ => throw new RpcException(new Status(StatusCode.Internal, MessageErrors.UnsupportedEncoding(encoding))),
        };
    }

    /// <summary>The metadata among header fields.</summary>
    public static Metadata ReadMetadata(HttpHeaders headers)
    {
        var metadata = new Metadata();
        foreach (var (name, values) in headers.NonValidated)
        {
            foreach (string value in values)
                MetadataHeaders.AddFromWire(metadata, name, value);
        }

        return metadata;
    }

    private static bool TryRead(HttpHeaders headers, out Status status)
    {
        string? code = Value(headers, HeaderNames.Status);
        if (code is null)
        {
            status = default;
            return false;
        }

        string? message = Value(headers, HeaderNames.Message);
        status = new Status(StatusMapping.ParseStatusCode(code), message is null ? "" : PercentEncoding.Decode(message));
        return true;
    }

    private static string? Value(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}
