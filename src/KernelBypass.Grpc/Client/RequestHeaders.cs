using System.Net;
using System.Net.Http.Headers;
using Grpc.Core;
using Grpc.Protocol;

namespace Grpc.Net.Client;

/// <summary>The request of a call, without its body: address, gRPC's headers and the caller's metadata.</summary>
internal sealed class RequestHeaders
{
    private static readonly string s_userAgent =
        $"grpc-dotnet-kernelbypass/{typeof(RequestHeaders).Assembly.GetName().Version?.ToString(3)}";

    private static readonly MediaTypeHeaderValue s_contentType = new(HeaderNames.GrpcContentType);

    private readonly GrpcChannel _channel;
    private readonly IMethod _method;
    private readonly string? _host;
    private readonly DateTime _deadline;
    private readonly List<KeyValuePair<string, string>> _metadata = [];

    /// <exception cref="ArgumentException">The metadata holds what may not be sent.</exception>
    public RequestHeaders(GrpcChannel channel, IMethod method, string? host, Metadata? metadata, DateTime deadline)
    {
        _channel = channel;
        _method = method;
        _host = host;
        _deadline = deadline;
        if (metadata is null)
            return;
        foreach (var entry in metadata)
        {
            if (entry.Key == Metadata.CompressionRequestAlgorithmKey)
                Gzip = ParseAlgorithm(entry.Value);
            else
                _metadata.Add(new(entry.Key, MetadataHeaders.WireValue(entry)));
        }
    }

    /// <summary>Whether the messages are compressed.</summary>
    public bool Gzip { get; }

    /// <summary>Adds what the credentials of the channel and of the call make.</summary>
    /// <exception cref="RpcException">UNAUTHENTICATED: they fail, or may not be sent without TLS.</exception>
    public async ValueTask ApplyCredentialsAsync(CallCredentials? ofCall, CancellationToken cancellationToken)
    {
        var ofChannel = _channel.Options.Credentials?.CallCredentials;
        if (ofChannel is null && ofCall is null)
            return;
        if (!_channel.IsSecure && !_channel.Options.UnsafeUseInsecureChannelCallCredentials)
        {
            throw new RpcException(new Status(
                StatusCode.Unauthenticated,
                "Call credentials are not sent without TLS: use https, or set UnsafeUseInsecureChannelCallCredentials."));
        }

        var metadata = new Metadata();
        var context = new AuthInterceptorContext(
            new Uri(_channel.Address, _method.ServiceName).ToString(), _method.Name, cancellationToken);
        try
        {
            foreach (var credentials in new[] { ofChannel, ofCall })
            {
                if (credentials is not null)
                    await credentials.ApplyAsync(context, metadata).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is not (RpcException or OperationCanceledException))
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The call credentials failed: " + e.Message, e));
        }

        foreach (var entry in metadata)
            _metadata.Add(new(entry.Key, MetadataHeaders.WireValue(entry)));
    }

    /// <summary>A request with these headers.</summary>
    public HttpRequestMessage NewRequest(HttpContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_channel.Address, _method.FullName))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.ContentType = s_contentType;
        var headers = request.Headers;
        headers.Host = _host;
        headers.TryAddWithoutValidation(HeaderNames.Te, "trailers");
        if (_deadline < DateTime.MaxValue)
            headers.TryAddWithoutValidation(HeaderNames.Timeout, TimeoutHeader.Format(_deadline - DateTime.UtcNow));
        headers.TryAddWithoutValidation(HeaderNames.AcceptEncoding, HeaderNames.SupportedEncodings);
        if (Gzip)
            headers.TryAddWithoutValidation(HeaderNames.Encoding, HeaderNames.GzipEncoding);
        bool hasUserAgent = false;
        foreach (var (name, value) in _metadata)
        {
            headers.TryAddWithoutValidation(name, value);
            hasUserAgent |= name == HeaderNames.UserAgent;
        }

        if (!hasUserAgent)
            headers.TryAddWithoutValidation(HeaderNames.UserAgent, s_userAgent);
        return request;
    }

    private static bool ParseAlgorithm(string algorithm) => algorithm switch
    {
        HeaderNames.GzipEncoding => true,
        HeaderNames.IdentityEncoding => false,
        _ => throw new ArgumentException(MessageErrors.UnsupportedEncoding(algorithm)),
    };
}
