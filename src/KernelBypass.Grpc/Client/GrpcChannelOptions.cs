using Grpc.Core;

namespace Grpc.Net.Client;

/// <summary>How a channel reaches its server.</summary>
public sealed class GrpcChannelOptions
{
    /// <summary>The default of <see cref="MaxReceiveMessageSize"/>: 4 MiB.</summary>
    public const int DefaultMaxReceiveMessageSize = 4 * 1024 * 1024;

    /// <summary>The channel's security and credentials; null for what the address's scheme says.</summary>
    public ChannelCredentials? Credentials { get; set; }

    /// <summary>The largest request message in bytes, before compression; null for no limit.</summary>
    public int? MaxSendMessageSize { get; set; }

    /// <summary>The largest response message in bytes, decompressed; null for no limit. Larger: RESOURCE_EXHAUSTED.</summary>
    public int? MaxReceiveMessageSize { get; set; } = DefaultMaxReceiveMessageSize;

    /// <summary>
    /// What makes the connections, such as a <see cref="SocketsHttpHandler"/> with a ConnectCallback; null for one made
    /// for the address. Only one of this and <see cref="HttpClient"/> may be set.
    /// </summary>
    public HttpMessageHandler? HttpHandler { get; set; }

    /// <summary>A client to send through; only one of this and <see cref="HttpHandler"/> may be set.</summary>
    public HttpClient? HttpClient { get; set; }

    /// <summary>Whether the channel disposes of the handler or client it was given when it is disposed of itself.</summary>
    public bool DisposeHttpClient { get; set; }

    /// <summary>Whether a call that its caller cancelled fails with OperationCanceledException, not RpcException.</summary>
    public bool ThrowOperationCanceledOnCancellation { get; set; }

    /// <summary>Whether call credentials may go over a connection without TLS.</summary>
    public bool UnsafeUseInsecureChannelCallCredentials { get; set; }
}
