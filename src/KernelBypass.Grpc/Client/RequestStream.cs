using System.Net;

namespace Grpc.Net.Client;

/// <summary>The body of a streaming request: opened by the HTTP handler, written to by the call, ended by either.</summary>
internal sealed class RequestStream
{
    private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The stream to write to; cancelled if the call ends before.</summary>
    public Task<Stream> OpenedAsync => _opened.Task;

    /// <summary>A body for a request; one more if the request has to be made again before it was sent.</summary>
    public HttpContent NewContent() => new Content(this);

    /// <summary>The last request has been written: half-close.</summary>
    public void Complete() => _ended.TrySetResult();

    /// <summary>The call has ended: what was not sent no longer will be.</summary>
    public void Abort()
    {
        _opened.TrySetCanceled();
        _ended.TrySetCanceled();
    }

    private sealed class Content(RequestStream owner) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(
            Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            // The headers go out now, not with the first request: the server may speak first.
            await stream.FlushAsync(cancellationToken).ConfigureAwait(false);
            owner._opened.TrySetResult(stream);
            await owner._ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
