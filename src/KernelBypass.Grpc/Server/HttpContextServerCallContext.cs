using Grpc.Core;
using Grpc.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace Grpc.AspNetCore.Server;

/// <summary>A call that came over HTTP/2 through ASP.NET Core.</summary>
internal sealed class HttpContextServerCallContext : ServerCallContext, IDisposable
{
    // RFC 9113 section 7.
    private const int NoError = 0x0;
    private const int InternalError = 0x2;
    private const int Cancel = 0x8;

    private readonly CancellationTokenSource _cancellation = new();
    private readonly Lock _endLock = new();
    private readonly string _method;
    private CancellationTokenRegistration _abortRegistration;
    private DeadlineTimer? _deadlineTimer;
    private volatile bool _over;
    private Task? _earlyEnd;
    private Metadata? _requestHeaders;
    private Metadata? _responseTrailers;
    private AuthContext? _authContext;
    private Status _status = Status.DefaultSuccess;
    private DateTime _deadline = DateTime.MaxValue;

    public HttpContextServerCallContext(HttpContext http, GrpcServiceOptions options, string method)
    {
        HttpContext = http;
        Options = options;
        _method = method;
        Output = new ResponseOutput(http, options);
    }

    public HttpContext HttpContext { get; }

    public GrpcServiceOptions Options { get; }

    public ResponseOutput Output { get; }

    /// <summary>The requests; there from <see cref="Start"/> on.</summary>
    public MessageReader Input { get; private set; } = null!;

    /// <summary>The trailers; null when the handler asked for none.</summary>
    public Metadata? Trailers => _responseTrailers;

    /// <summary>Whether the only request of a call came compressed.</summary>
    public bool RequestWasCompressed { get; set; }

    /// <summary>Whether the call is over for the client while its handler may still run.</summary>
    public bool IsCancelled => _over || _cancellation.IsCancellationRequested;

    protected override string MethodCore => _method;

    protected override string HostCore => HttpContext.Request.Host.Value ?? "";

    protected override string PeerCore => PeerAddress.Format(HttpContext.Connection);

    protected override DateTime DeadlineCore => _deadline;

    protected override Metadata RequestHeadersCore => _requestHeaders ??= ReadRequestHeaders();

    protected override CancellationToken CancellationTokenCore => _cancellation.Token;

    protected override Metadata ResponseTrailersCore => _responseTrailers ??= [];

    protected override Status StatusCore
    {
        get => _status;
        set => _status = value;
    }

    protected override WriteOptions? WriteOptionsCore { get; set; }

    protected override AuthContext AuthContextCore => _authContext ??= PeerAddress.Authenticate(HttpContext.Connection);

    /// <summary>Reads the headers of gRPC itself.</summary>
    /// <exception cref="RpcException">One of them is malformed or asks for what is not supported.</exception>
    public void Start()
    {
        var headers = HttpContext.Request.Headers;
        HttpContext.Response.ContentType = HeaderNames.GrpcContentType;
        _abortRegistration = HttpContext.RequestAborted.UnsafeRegister(
            static state => ((HttpContextServerCallContext)state!)._cancellation.Cancel(), this);
        string? encoding = headers[HeaderNames.Encoding];
        bool gzip = encoding == HeaderNames.GzipEncoding;
        if (encoding is not null && encoding != HeaderNames.IdentityEncoding)
            HttpContext.Response.Headers[HeaderNames.AcceptEncoding] = HeaderNames.SupportedEncodings;
        if (!gzip && encoding is not (null or HeaderNames.IdentityEncoding))
            throw new RpcException(new Status(StatusCode.Unimplemented, MessageErrors.UnsupportedEncoding(encoding)));
        LiftBodyLimits();
        Input = new MessageReader(HttpContext.Request.BodyReader, Options.MaxReceiveMessageSize, gzip);
        string? timeout = headers[HeaderNames.Timeout];
        if (timeout is not null)
            StartDeadline(timeout);
    }

    /// <summary>Ends the call with the status of its handler.</summary>
    /// <exception cref="ArgumentException">The trailers hold what may not be sent.</exception>
    public async ValueTask EndAsync(Status status, Metadata? trailers)
    {
        if (await Output.TryEndAsync(status, trailers).ConfigureAwait(false))
        {
            if (Output.IsBroken)
                Reset(InternalError);
            return;
        }

        Task? earlyEnd;
        lock (_endLock)
            earlyEnd = _earlyEnd;
        // The HttpContext is used again once the handler has returned: whoever ended the call must be done with it.
        if (earlyEnd is not null)
            await earlyEnd.ConfigureAwait(false);
    }

    /// <summary>Ends the call while its handler runs, and cancels the handler.</summary>
    public void EndEarly(Status status)
    {
        lock (_endLock)
        {
            if (Output.TryEndEarly(status) is { } sent)
                _earlyEnd = FinishEarlyAsync(sent);
        }
    }

    /// <summary>
    /// Reading found that the client has reset the stream, or that the connection broke. ASP.NET Core's token says so too,
    /// but a moment later.
    /// </summary>
    public OperationCanceledException ClientGone(IOException cause)
    {
        _cancellation.Cancel();
        return new OperationCanceledException("The client ended the call.", cause, CancellationToken);
    }

    public void Dispose()
    {
        _over = true;
        _deadlineTimer?.Dispose();
        _abortRegistration.Dispose();
        Input?.Release();
    }

    protected override Task WriteResponseHeadersAsyncCore(Metadata responseHeaders) =>
        Output.WriteHeadersAsync(responseHeaders);

    private async Task FinishEarlyAsync(Task<bool> sent)
    {
        // Never in the caller's lock: cancelling may run the handler on.
        bool delivered = await sent.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        await _cancellation.CancelAsync().ConfigureAwait(false);
        // The client need not send the rest of its requests (RFC 9113 section 8.1).
        Reset(delivered ? NoError : Cancel);
    }

    private void Reset(int errorCode)
    {
        if (!HttpContext.RequestAborted.IsCancellationRequested)
            HttpContext.Features.Get<IHttpResetFeature>()?.Reset(errorCode);
    }

    private void StartDeadline(string timeout)
    {
        if (!TimeoutHeader.TryParse(timeout, out var remaining))
        {
            throw new RpcException(new Status(
                StatusCode.Internal,
                $"grpc-timeout '{timeout}' is malformed: it takes 1 to 8 digits and one of H, M, S, m, u, n."));
        }

        var now = DateTime.UtcNow;
        _deadline = remaining < DateTime.MaxValue - now ? now + remaining : DateTime.MaxValue;
        if (_deadline == DateTime.MaxValue)
            return;
        var expired = new Status(StatusCode.DeadlineExceeded, "The deadline of the call has passed.");
        _deadlineTimer = new DeadlineTimer(_deadline, () => EndEarly(expired));
    }

    // Streams are long and slow by nature: what limits them is the size of a message and flow control.
    private void LiftBodyLimits()
    {
        var size = HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>();
        if (size is { IsReadOnly: false })
            size.MaxRequestBodySize = null;
        var rate = HttpContext.Features.Get<IHttpMinRequestBodyDataRateFeature>();
        if (rate is not null)
            rate.MinDataRate = null;
    }

    private Metadata ReadRequestHeaders()
    {
        var metadata = new Metadata();
        foreach (var (name, values) in HttpContext.Request.Headers)
        {
            foreach (string? value in values)
                MetadataHeaders.AddFromWire(metadata, name, value);
        }

        return metadata;
    }
}
