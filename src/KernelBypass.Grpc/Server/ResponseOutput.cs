using System.IO.Compression;
using Grpc.Core;
using Grpc.Protocol;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Grpc.AspNetCore.Server;

/// <summary>The response side of a call: headers, messages and trailers, in that order, whoever asks for them.</summary>
internal sealed class ResponseOutput : MessageOutput
{
    private readonly HttpContext _http;
    private readonly GrpcServiceOptions _options;
    private bool _headersSent;
    private bool _encodingDecided;
    private bool _gzip;
    private bool _wroteMessage;
    private bool _ended;

    public ResponseOutput(HttpContext http, GrpcServiceOptions options)
        : base(
            http.Response.BodyWriter,
            options.MaxSendMessageSize,
            options.ResponseCompressionLevel ?? CompressionLevel.Fastest,
            contiguous: false)
    {
        _http = http;
        _options = options;
    }

    protected override bool MayFlush => !_ended;

    // A flush that waits means that Kestrel's buffer is full.
    protected override bool WritesDuringFlush => false;

    /// <summary>Sends the headers now.</summary>
    public Task WriteHeadersAsync(Metadata headers)
    {
        lock (Lock)
        {
            ThrowIfEnded();
            if (_headersSent || _wroteMessage)
                throw new InvalidOperationException("Response headers can only be sent once, before the first message.");
            foreach (var entry in headers)
            {
                if (entry.Key == Metadata.CompressionRequestAlgorithmKey)
                    DecideEncoding(entry.Value);
                else
                    _http.Response.Headers.Append(entry.Key, MetadataHeaders.WireValue(entry));
            }

            if (!_encodingDecided)
                DecideEncoding(_options.ResponseCompressionAlgorithm);
            _headersSent = true;
            return FlushLocked();
        }
    }

    /// <summary>Writes the only message of a response; it is sent together with the trailers.</summary>
    public void WriteLast<T>(T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        lock (Lock)
        {
            // A deadline that passed a moment ago has been answered.
            if (!_ended)
                WriteUnflushed(message, serializer, flags);
        }
    }

    /// <summary>
    /// Ends the response when the handler has returned: ASP.NET Core sends it. False when something else has ended it.
    /// </summary>
    /// <exception cref="ArgumentException">The trailers hold what may not be sent; the status is then not set.</exception>
    public async ValueTask<bool> TryEndAsync(Status status, Metadata? trailers)
    {
        var wire = StatusHeaders.ToWire(trailers);
        lock (Lock)
        {
            if (_ended)
                return false;
            _ended = true;
        }

        if (IsFlushing)
            await PendingFlush!.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!IsBroken)
            WriteStatus(status, wire);
        return true;
    }

    /// <summary>Ends the response under a handler that still runs.</summary>
    /// <returns>
    /// Null when the call has ended already; else a task for the response to be handed to the transport. It is false when
    /// the client does not take what was written before, so that no status can reach it.
    /// </returns>
    public Task<bool>? TryEndEarly(Status status)
    {
        lock (Lock)
        {
            if (_ended)
                return null;
            _ended = true;
            if (IsBroken || IsFlushing)
                return Task.FromResult(false);
            // The trailers, which the handler may be adding to at this moment, stay out.
            WriteStatus(status, []);
            return CompleteAsync(_http.Response.CompleteAsync());
        }

        static async Task<bool> CompleteAsync(Task completion)
        {
            await completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return completion.IsCompletedSuccessfully;
        }
    }

    protected override bool PrepareMessage()
    {
        ThrowIfEnded();
        if (!_encodingDecided)
            DecideEncoding(_options.ResponseCompressionAlgorithm);
        _wroteMessage = true;
        return _gzip;
    }

    protected override ValueTask SendBufferAsync()
    {
        var flush = _http.Response.BodyWriter.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
            return new ValueTask(flush.AsTask());
        flush.GetAwaiter().GetResult();
        return ValueTask.CompletedTask;
    }

    // Compression for which the client has no decoder is left out, as compression.md has it.
    private void DecideEncoding(string? algorithm)
    {
        _encodingDecided = true;
        _gzip = algorithm == HeaderNames.GzipEncoding
            && HeaderNames.ListsEncoding(_http.Request.Headers[HeaderNames.AcceptEncoding], HeaderNames.GzipEncoding);
        if (_gzip)
            _http.Response.Headers[HeaderNames.Encoding] = HeaderNames.GzipEncoding;
    }

    // Without messages and headers the status goes into the one block of headers there is (Trailers-Only).
    private void WriteStatus(Status status, List<KeyValuePair<string, string>> trailers)
    {
        var target = _http.Response.HasStarted || _wroteMessage
            ? _http.Features.Get<IHttpResponseTrailersFeature>()!.Trailers
            : _http.Response.Headers;
        StatusHeaders.Write(target, status);
        foreach (var (name, value) in trailers)
            target.Append(name, value);
    }

    private void ThrowIfEnded()
    {
        if (_ended)
            throw new InvalidOperationException("The call has ended: nothing more can be sent.");
    }
}
