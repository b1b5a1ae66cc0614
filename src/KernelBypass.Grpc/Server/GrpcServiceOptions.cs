using System.IO.Compression;
using Grpc.Protocol;

namespace Grpc.AspNetCore.Server;

/// <summary>How gRPC services are served.</summary>
public class GrpcServiceOptions
{
    /// <summary>The default of <see cref="MaxReceiveMessageSize"/>: 4 MiB.</summary>
    public const int DefaultReceiveMaxMessageSize = 4 * 1024 * 1024;

    /// <summary>The largest request message in bytes, decompressed; null for no limit. Larger: RESOURCE_EXHAUSTED.</summary>
    public int? MaxReceiveMessageSize { get; set; } = DefaultReceiveMaxMessageSize;

    /// <summary>The largest response message in bytes, uncompressed; null for no limit. Larger: RESOURCE_EXHAUSTED.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>Whether the message of an exception in a handler is told to the client. For development only.</summary>
    public bool? EnableDetailedErrors { get; set; }

    /// <summary>"gzip" to compress responses to clients that accept it; null or "identity" for none.</summary>
    public string? ResponseCompressionAlgorithm { get; set; }

    /// <summary>How hard to compress; null for the fastest.</summary>
    public CompressionLevel? ResponseCompressionLevel { get; set; }

    /// <summary>Whether unknown services and methods are left to the rest of the pipeline rather than UNIMPLEMENTED.</summary>
    public bool? IgnoreUnknownServices { get; set; }

    /// <summary>
    /// The most calls served at once, over all connections; null for no limit. Further ones end with RESOURCE_EXHAUSTED.
    /// The streams of one connection are limited by Kestrel's <c>Http2.MaxStreamsPerConnection</c>.
    /// </summary>
    public int? MaxConcurrentCalls { get; set; }

    /// <summary>
    /// How long calls may go on when the server stops: then they end with UNAVAILABLE. New calls do so at once.
    /// </summary>
    public TimeSpan ShutdownGracePeriod { get; set; } = TimeSpan.FromSeconds(5);

    internal void Validate()
    {
        if (ResponseCompressionAlgorithm is not (null or HeaderNames.IdentityEncoding or HeaderNames.GzipEncoding))
        {
            throw new InvalidOperationException(
                $"ResponseCompressionAlgorithm '{ResponseCompressionAlgorithm}' is not supported: use gzip, identity or null.");
        }

        if (MaxReceiveMessageSize < 0 || MaxSendMessageSize < 0 || MaxConcurrentCalls < 1)
            throw new InvalidOperationException("A gRPC message size limit is negative, or MaxConcurrentCalls below 1.");
    }
}
