using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;
using Grpc.Protocol;

namespace Grpc.Net.Client;

/// <summary>
/// One call of a client. It ends once: with the status in the server's trailers, or before that through an error, the
/// deadline, cancellation or <see cref="Dispose"/>, whichever comes first; all that waits for it then learns the same.
/// </summary>
internal sealed class GrpcCall<TRequest, TResponse> : IDisposable
    where TRequest : class
    where TResponse : class
{
    private static readonly StreamPipeReaderOptions s_readerOptions = new(bufferSize: 32 * 1024, minimumReadSize: 4096);

    private readonly GrpcChannel _channel;
    private readonly RequestHeaders _headers;
    private readonly CallOptions _options;
    private readonly DateTime _deadline;
    private readonly CancellationTokenSource _cancellation = new();
    private readonly TaskCompletionSource<Metadata> _responseHeaders = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<IDisposable> _watches = [];
    private Task<MessageReader?> _opening = Task.FromResult<MessageReader?>(null);
    private RequestStream? _requestStream;
    private HttpResponseMessage? _response;
    private PipeReader? _pipe;
    private CallEnd? _end;

    public GrpcCall(GrpcChannel channel, Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        _channel = channel;
        _options = options;
        Method = method;
        _deadline = options.Deadline?.ToUniversalTime() ?? DateTime.MaxValue;
        if (options.PropagationToken is { } parent && parent.Deadline < _deadline)
            _deadline = parent.Deadline;
        _headers = new RequestHeaders(channel, method, host, options.Headers, _deadline);
    }

    public Method<TRequest, TResponse> Method { get; }

    /// <summary>The server's headers.</summary>
    public Task<Metadata> HeadersAsync => _responseHeaders.Task;

    /// <summary>Cancelled when the call has ended.</summary>
    public CancellationToken Ended => _cancellation.Token;

    /// <summary>The stream of requests; null when there is only one.</summary>
    public RequestOutput? Output { get; private set; }

    public CallOptions Options => _options;

    /// <summary>How the call ended; null while it runs.</summary>
    public CallEnd? End => Volatile.Read(ref _end);

    /// <summary>Sends the only request.</summary>
    public void Start(TRequest request)
    {
        if (!Watch())
            return;
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(512);
        try
        {
            var writer = new MessageWriter(
                buffer, _channel.Options.MaxSendMessageSize, CompressionLevel.Fastest, contiguous: true);
            bool noCompress = ((_options.WriteOptions?.Flags ?? WriteFlags.None) & WriteFlags.NoCompress) != 0;
            writer.Write(request, Method.RequestMarshaller.ContextualSerializer, _headers.Gzip && !noCompress);
        }
        catch (Exception e)
        {
            Finish(CallErrors.ToStatus(e, "The request can't be serialized"));
            return;
        }

        _opening = OpenAsync(() => new ReadOnlyMemoryContent(buffer.WrittenMemory));
    }

    /// <summary>Opens the stream of requests.</summary>
    public ClientStreamWriter<TRequest, TResponse> StartStreaming()
    {
        _requestStream = new RequestStream();
        Output = new RequestOutput(_requestStream, _channel.Options.MaxSendMessageSize, _headers.Gzip);
        if (Watch())
            _opening = OpenAsync(_requestStream.NewContent);
        else
            _requestStream.Abort();
        return new ClientStreamWriter<TRequest, TResponse>(this, _requestStream, Output);
    }

    /// <summary>The reader of the responses, once the server's headers are there; null if the call has ended instead.</summary>
    public Task<MessageReader?> OpenedAsync() => _opening;

    /// <summary>Reads the only response and the status.</summary>
    public async Task<TResponse> ReadSingleAsync()
    {
        if (await _opening.ConfigureAwait(false) is { } reader)
        {
            try
            {
                var deserializer = Method.ResponseMarshaller.ContextualDeserializer;
                var (found, response) = await reader.ReadAsync(deserializer, Ended).ConfigureAwait(false);
                if (found && (await reader.ReadAsync(deserializer, Ended).ConfigureAwait(false)).Found)
                    throw MessageErrors.NotOneMessage("response", "more than one");
                var end = ReadEnd(reader);
                if (!found && end.Status.StatusCode == StatusCode.OK)
                    throw MessageErrors.NotOneMessage("response", "none");
                Finish(end.Status, end.Trailers);
                if (End!.Status.StatusCode == StatusCode.OK)
                    return response;
            }
            catch (Exception e)
            {
                Fail(e);
            }
        }

        throw NewException();
    }

    /// <summary>The responses have all been read: the status is in the trailers.</summary>
    public void FinishFromTrailers(MessageReader reader)
    {
        var end = ReadEnd(reader);
        Finish(end.Status, end.Trailers);
    }

    /// <summary>The call failed here, for an exception.</summary>
    public void Fail(Exception exception)
    {
        var status = CallErrors.ToStatus(exception, "The call failed");
        // The server's deadline is a moment ahead of ours at times, and its RST_STREAM then says CANCEL.
        if (status.StatusCode == StatusCode.Cancelled && DateTime.UtcNow >= _deadline)
            status = DeadlineExceeded();
        Finish(status);
    }

    /// <summary>The exception that says how the call ended.</summary>
    public Exception NewException()
    {
        var end = End!;
        return end.Status.StatusCode == StatusCode.Cancelled
            && end.IsLocal
            && _channel.Options.ThrowOperationCanceledOnCancellation
            ? new OperationCanceledException(end.Status.Detail, _options.CancellationToken)
            : new RpcException(end.Status, end.Trailers);
    }

    public Status GetStatus() => (End ?? throw StillRunning()).Status;

    public Metadata GetTrailers() => (End ?? throw StillRunning()).Trailers;

    /// <summary>The caller takes the call back.</summary>
    public void Cancel(string reason) => Finish(new Status(StatusCode.Cancelled, reason), null, isLocal: true);

    public void Dispose() => Cancel("The call was disposed of.");

    private static InvalidOperationException StillRunning() =>
        new("The call has not ended: read it to its end before asking for status or trailers.");

    private static Status DeadlineExceeded() => new(StatusCode.DeadlineExceeded, "The deadline of the call has passed.");

    // Sets up what may end the call from outside; false if that has already happened.
    private bool Watch()
    {
        Watch("The caller cancelled the call.", _options.CancellationToken);
        Watch("The call that this one was made for has ended.", _options.PropagationToken?.CancellationToken ?? default);
        Watch("The channel was closed.", _channel.Closed);
        if (_deadline <= DateTime.UtcNow)
            Finish(DeadlineExceeded());
        else if (_deadline < DateTime.MaxValue)
            Watch(new DeadlineTimer(_deadline, () => Finish(DeadlineExceeded())));
        return End is null;
    }

    private void Watch(string reason, CancellationToken token)
    {
        if (token.CanBeCanceled)
            Watch(new Registration(token.UnsafeRegister(_ => Cancel(reason), null)));
    }

    private void Watch(IDisposable watch)
    {
        lock (_watches)
        {
            if (End is null)
            {
                _watches.Add(watch);
                return;
            }
        }

        watch.Dispose();
    }

    private void EndWatches()
    {
        lock (_watches)
        {
            foreach (var watch in _watches)
                watch.Dispose();
            _watches.Clear();
        }
    }

    private async Task<MessageReader?> OpenAsync(Func<HttpContent> newContent)
    {
        try
        {
            await _headers.ApplyCredentialsAsync(_options.Credentials, Ended).ConfigureAwait(false);
            var response = await SendAsync(newContent).ConfigureAwait(false);
            // Either this sees the end of the call, or Finish sees the response: one of them disposes of it.
            Interlocked.Exchange(ref _response, response);
            if (End is not null)
            {
                response.Dispose();
                return null;
            }

            if (ResponseStatus.TryReadEnd(response, out var end))
            {
                _responseHeaders.TrySetResult(Metadata.Empty);
                Finish(end.Status, end.Trailers);
                return null;
            }

            bool gzip = ResponseStatus.IsGzip(response);
            var stream = await response.Content.ReadAsStreamAsync(Ended).ConfigureAwait(false);
            _pipe = PipeReader.Create(stream, s_readerOptions);
            _responseHeaders.TrySetResult(ResponseStatus.ReadMetadata(response.Headers));
            return new MessageReader(_pipe, _channel.Options.MaxReceiveMessageSize, gzip);
        }
        catch (Exception e)
        {
            Fail(e);
            return null;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(Func<HttpContent> newContent)
    {
        var backoff = TimeSpan.FromMilliseconds(20);
        while (true)
        {
            try
            {
                return await _channel.SendAsync(_headers.NewRequest(newContent()), Ended).ConfigureAwait(false);
            }
            catch (HttpRequestException e) when (_options.IsWaitForReady && CallErrors.IsUnreachable(e))
            {
                // gRPC doc/wait-for-ready.md: the call stays until the server is there or the deadline has passed.
                await Task.Delay(backoff, Ended).ConfigureAwait(false);
                backoff = TimeSpan.FromMilliseconds(Math.Min(backoff.TotalMilliseconds * 1.6, 1000));
            }
        }
    }

    private CallEnd ReadEnd(MessageReader reader)
    {
        reader.Release();
        _pipe!.Complete();
        return ResponseStatus.ReadTrailers(_response!);
    }

    private void Finish(Status status, Metadata? trailers = null, bool isLocal = false)
    {
        var end = new CallEnd(status, trailers ?? Metadata.Empty, isLocal);
        if (Interlocked.CompareExchange(ref _end, end, null) is not null)
            return;
        EndWatches();
        if (_responseHeaders.TrySetException(NewException()))
            _ = _responseHeaders.Task.Exception; // observed: nobody has to ask for the headers
        _requestStream?.Abort();
        _cancellation.Cancel();
        _response?.Dispose();
    }

    // Disposing of a registration itself would wait for its callback, which may be what ends the call at this moment.
    private sealed class Registration(CancellationTokenRegistration registration) : IDisposable
    {
        public void Dispose() => registration.Unregister();
    }
}
