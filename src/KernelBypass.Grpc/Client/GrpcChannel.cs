using System.Net;
using System.Net.Sockets;
using Grpc.Core;

namespace Grpc.Net.Client;

/// <summary>A channel to a gRPC server over HTTP/2. Safe for use by many threads; to be kept and used again.</summary>
public sealed class GrpcChannel : ChannelBase, IDisposable
{
    private const int WindowSize = 1024 * 1024;

    private readonly HttpMessageInvoker _http;
    private readonly bool _disposeHttp;
    private readonly CancellationTokenSource _closed = new();

    private GrpcChannel(Uri address, GrpcChannelOptions options, HttpMessageInvoker http, bool disposeHttp)
        : base(address.Authority)
    {
        _http = http;
        _disposeHttp = disposeHttp;
        Address = address;
        Options = options;
    }

    internal Uri Address { get; }

    internal GrpcChannelOptions Options { get; }

    internal CancellationToken Closed => _closed.Token;

    internal bool IsSecure => Address.Scheme == Uri.UriSchemeHttps;

    /// <summary>A channel to an address: see <see cref="ForAddress(string, GrpcChannelOptions)"/>.</summary>
    public static GrpcChannel ForAddress(string address) => ForAddress(address, new GrpcChannelOptions());

    /// <summary>A channel to an address: see <see cref="ForAddress(string, GrpcChannelOptions)"/>.</summary>
    public static GrpcChannel ForAddress(Uri address) => ForAddress(address, new GrpcChannelOptions());

    /// <summary>A channel to an address.</summary>
    /// <param name="address">
    /// "http://host:port" (HTTP/2 without TLS), "https://host:port", or "unix:///path" for a unix socket.
    /// </param>
    /// <param name="channelOptions">How to reach it.</param>
    /// <exception cref="ArgumentException">The address or the options make no sense.</exception>
    public static GrpcChannel ForAddress(string address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        if (address.StartsWith("unix:", StringComparison.Ordinal))
        {
            string path = address["unix:".Length..];
            return ForUnixSocket(path.StartsWith("//", StringComparison.Ordinal) ? path[2..] : path, channelOptions);
        }

        return Uri.TryCreate(address, UriKind.Absolute, out var uri)
            ? ForAddress(uri, channelOptions)
            : throw new ArgumentException(
                $"'{address}' is no address: write http://host:port, https://host:port or unix:///path.");
    }

    /// <summary>A channel to an "http" or "https" address.</summary>
    public static GrpcChannel ForAddress(Uri address, GrpcChannelOptions channelOptions)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(channelOptions);
        if (address.Scheme == "unix")
            return ForUnixSocket(address.LocalPath, channelOptions);
        if (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps)
            throw new ArgumentException($"'{address}' has scheme '{address.Scheme}': http, https or unix are known.");
        if (channelOptions.Credentials is { } credentials && credentials.IsSecure != (address.Scheme == Uri.UriSchemeHttps))
            throw new ArgumentException($"The credentials and the scheme of '{address}' differ on whether TLS is used.");
        var given = GivenInvoker(channelOptions);
        return new GrpcChannel(
            address,
            channelOptions,
            given ?? new HttpMessageInvoker(NewHandler(address.Scheme == Uri.UriSchemeHttps)),
            given is null || channelOptions.DisposeHttpClient);
    }

    /// <inheritdoc/>
    public override CallInvoker CreateCallInvoker() => new HttpCallInvoker(this);

    /// <summary>Closes the channel; calls that still run are cancelled.</summary>
    public void Dispose()
    {
        if (_closed.IsCancellationRequested)
            return;
        _closed.Cancel();
        if (_disposeHttp)
            _http.Dispose();
    }

    internal Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        _http is HttpClient client
            ? client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            : _http.SendAsync(request, cancellationToken);

    /// <inheritdoc/>
    protected override Task ShutdownAsyncCore()
    {
        Dispose();
        return Task.CompletedTask;
    }

    private static HttpMessageInvoker? GivenInvoker(GrpcChannelOptions options)
    {
        if (options.HttpHandler is not null && options.HttpClient is not null)
            throw new ArgumentException("HttpHandler and HttpClient are both set: set one of them.");
        return options.HttpHandler is { } handler
            ? new HttpMessageInvoker(handler, options.DisposeHttpClient)
            : options.HttpClient;
    }

    private static GrpcChannel ForUnixSocket(string path, GrpcChannelOptions options)
    {
        if (path.Length == 0)
            throw new ArgumentException("The unix address has no path: write unix:///path/of/the.sock.");
        if (GivenInvoker(options) is not null)
            throw new ArgumentException("A unix address makes its own handler: leave HttpHandler and HttpClient unset.");
        if (options.Credentials is { IsSecure: true })
            throw new ArgumentException("TLS over a unix socket is not supported.");
        var handler = NewHandler(secure: false);
        var endPoint = new UnixDomainSocketEndPoint(path);
        handler.ConnectCallback = async (_, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(endPoint, cancellationToken).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };
        return new GrpcChannel(new Uri("http://localhost"), options, new HttpMessageInvoker(handler), disposeHttp: true);
    }

    private static SocketsHttpHandler NewHandler(bool secure) => new()
    {
        EnableMultipleHttp2Connections = true,
        InitialHttp2StreamWindowSize = WindowSize,
        PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        // A forward proxy does not speak HTTP/2 without TLS.
        UseProxy = secure,
    };
}
