using System.Buffers;

namespace Grpc.Protocol;

/// <summary>The headers of gRPC over HTTP/2 (PROTOCOL-HTTP2.md) and which of them are not metadata.</summary>
internal static class HeaderNames
{
    public const string Status = "grpc-status";
    public const string Message = "grpc-message";
    public const string Timeout = "grpc-timeout";
    public const string Encoding = "grpc-encoding";
    public const string AcceptEncoding = "grpc-accept-encoding";
    public const string MessageType = "grpc-message-type";
    public const string ContentType = "content-type";
    public const string ContentLength = "content-length";
    public const string Te = "te";
    public const string Host = "host";
    public const string UserAgent = "user-agent";

    public const string GrpcContentType = "application/grpc";
    public const string IdentityEncoding = "identity";
    public const string GzipEncoding = "gzip";

    /// <summary>What this implementation decodes, as the value of <see cref="AcceptEncoding"/>.</summary>
    public const string SupportedEncodings = "identity,gzip";

    /// <summary>The characters of a metadata key; upper case is made lower before it is sent.</summary>
    public static SearchValues<char> MetadataKeyCharacters { get; } =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

    /// <summary>
    /// Whether a header (in lower case) belongs to HTTP/2 or to gRPC itself: it is neither shown as metadata nor may an
    /// application send it as such.
    /// </summary>
    public static bool IsReserved(string key) => key switch
    {
        Status or Message or Timeout or Encoding or AcceptEncoding or MessageType => true,
        ContentType or ContentLength or Te or Host => true,
        "connection" or "keep-alive" or "proxy-connection" or "transfer-encoding" or "upgrade" => true,
        _ => key.StartsWith(':'),
    };

    /// <summary>
    /// Whether a content-type is that of gRPC with protobuf messages: "application/grpc" or "application/grpc+proto", with
    /// parameters or without. Other message formats ("+json") are not spoken here.
    /// </summary>
    public static bool IsGrpcContentType(string? contentType)
    {
        if (contentType is null)
            return false;
        var mediaType = contentType.AsSpan();
        int semicolon = mediaType.IndexOf(';');
        if (semicolon >= 0)
            mediaType = mediaType[..semicolon];
        mediaType = mediaType.Trim();
        return mediaType.Equals(GrpcContentType, StringComparison.OrdinalIgnoreCase)
            || mediaType.Equals("application/grpc+proto", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a comma-separated list of encodings names one.</summary>
    public static bool ListsEncoding(string? list, string encoding)
    {
        if (list is null)
            return false;
        var rest = list.AsSpan();
        foreach (var range in rest.Split(','))
        {
            if (rest[range].Trim().Equals(encoding, StringComparison.Ordinal))
                return true;
        }

        return false;
    }
}
