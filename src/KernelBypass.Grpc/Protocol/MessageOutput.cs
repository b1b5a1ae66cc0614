using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>
/// The messages that one side of a call sends. The application writes them, one at a time; the side's reader, when it is
/// about to wait for the peer, flushes what was left in the buffer; other parties may end the output. A lock orders them;
/// it is never held while waiting for the transport.
/// </summary>
internal abstract class MessageOutput
{
    private const int FlushThreshold = 32 * 1024;

    private readonly PipeWriter _pipe;
    private bool _readerWaits;

    protected MessageOutput(PipeWriter pipe, int? maxMessageSize, CompressionLevel level)
    {
        _pipe = pipe;
        Writer = new MessageWriter(pipe, maxMessageSize, level);
    }

    /// <summary>Whether a message failed halfway: the stream can't be continued, only reset.</summary>
    public bool IsBroken => Writer.IsBroken;

    protected Lock Lock { get; } = new();

    protected MessageWriter Writer { get; }

    /// <summary>The last flush, if the transport had no room for it at once.</summary>
    protected Task? PendingFlush { get; private set; }

    protected bool IsFlushing => PendingFlush is { IsCompleted: false };

    /// <summary>Writes a message, and flushes unless its flags and the state of the call let it wait.</summary>
    public Task WriteAsync<T>(T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        lock (Lock)
        {
            if (!IsFlushing)
                return WriteLocked(message, serializer, flags);
        }

        return WriteAfterFlushAsync(message, serializer, flags);
    }

    /// <summary>The application is about to wait for the peer: what it has written so far goes out.</summary>
    public void BeginReaderWait()
    {
        lock (Lock)
        {
            _readerWaits = true;
            if (Writer.Unflushed > 0 && !IsFlushing && MayFlush)
                _ = FlushLocked();
        }
    }

    /// <summary>The wait is over.</summary>
    public void EndReaderWait() => _readerWaits = false;

    /// <summary>Whether the output may still be flushed; called under the lock.</summary>
    protected abstract bool MayFlush { get; }

    /// <summary>Called under the lock before each message; throws if there may be none any more.</summary>
    /// <returns>Whether messages are compressed unless their flags say otherwise.</returns>
    protected abstract bool PrepareMessage();

    protected Task FlushLocked()
    {
        Writer.Unflushed = 0;
        var flush = _pipe.FlushAsync();
        if (flush.IsCompletedSuccessfully)
        {
            flush.GetAwaiter().GetResult();
            return Task.CompletedTask;
        }

        return PendingFlush = flush.AsTask();
    }

    protected void WriteUnflushed<T>(T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        bool gzip = PrepareMessage();
        Writer.Write(message, serializer, gzip && (flags & WriteFlags.NoCompress) == 0);
    }

    private Task WriteLocked<T>(T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        WriteUnflushed(message, serializer, flags);
        bool mayWait = (flags & WriteFlags.BufferHint) != 0 && !_readerWaits && Writer.Unflushed < FlushThreshold;
        return mayWait ? Task.CompletedTask : FlushLocked();
    }

    private async Task WriteAfterFlushAsync<T>(T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        await PendingFlush!.ConfigureAwait(false);
        await WriteAsync(message, serializer, flags).ConfigureAwait(false);
    }
}
