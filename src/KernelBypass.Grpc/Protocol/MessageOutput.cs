using System.Buffers;
using System.IO.Compression;
using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>
/// The messages that one side of a call sends. The application writes them, one at a time. Those that may wait are sent
/// together: when enough have gathered, when the application waits for the peer, or, if it reads and writes in two tasks and
/// the reading one waits, as soon as a thread is free to do so; whatever is written meanwhile goes along. Other parties may
/// end the output. A lock orders them all; it is never held while waiting for the transport.
/// </summary>
internal abstract class MessageOutput
{
    private const int FlushThreshold = 32 * 1024;

    private bool _readerWaits;
    private bool _flushWanted;
    private bool _flushQueued;

    protected MessageOutput(IBufferWriter<byte> buffer, int? maxMessageSize, CompressionLevel level, bool contiguous) =>
        Writer = new MessageWriter(buffer, maxMessageSize, level, contiguous);

    /// <summary>Whether a message failed halfway: the stream can't be continued, only reset.</summary>
    public bool IsBroken => Writer.IsBroken;

    protected Lock Lock { get; } = new();

    protected MessageWriter Writer { get; }

    /// <summary>The last flush, if the transport had no room for it at once.</summary>
    protected Task? PendingFlush { get; private set; }

    protected bool IsFlushing => PendingFlush is { IsCompleted: false };

    /// <summary>Whether the output may still be flushed; read under the lock.</summary>
    protected abstract bool MayFlush { get; }

    /// <summary>Whether messages may be written to the buffer while what was in it before is still being sent.</summary>
    protected abstract bool WritesDuringFlush { get; }

    /// <summary>Writes a message, and flushes unless its flags and the state of the call let it wait.</summary>
    public Task WriteAsync<T>(T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        Task pending;
        lock (Lock)
        {
            bool mayWait = (flags & WriteFlags.BufferHint) != 0 && Writer.Unflushed < FlushThreshold;
            if (!IsFlushing || (mayWait && WritesDuringFlush))
            {
                WriteUnflushed(message, serializer, flags);
                if (!mayWait || Writer.Unflushed >= FlushThreshold)
                    return IsFlushing ? PendingFlush! : FlushLocked();
                if (_readerWaits)
                    QueueFlush();
                return Task.CompletedTask;
            }

            pending = PendingFlush!;
        }

        return WriteAfterAsync(pending, message, serializer, flags);
    }

    /// <summary>The application is about to wait for the peer: what it has written so far goes out.</summary>
    public void BeginReaderWait()
    {
        lock (Lock)
        {
            _readerWaits = true;
            if (Writer.Unflushed == 0 || !MayFlush)
                return;
            if (IsFlushing)
                _flushWanted = true;
            else
                _ = FlushLocked();
        }
    }

    /// <summary>The wait is over.</summary>
    public void EndReaderWait() => _readerWaits = false;

    /// <summary>Called under the lock before each message; throws if there may be none any more.</summary>
    /// <returns>Whether messages are compressed unless their flags say otherwise.</returns>
    protected abstract bool PrepareMessage();

    /// <summary>Hands what is in the buffer to the transport.</summary>
    protected abstract ValueTask SendBufferAsync();

    protected Task FlushLocked()
    {
        _flushWanted = false;
        Writer.Unflushed = 0;
        var flush = SendBufferAsync();
        if (flush.IsCompletedSuccessfully)
            return Task.CompletedTask;
        var task = flush.AsTask();
        PendingFlush = task;
        _ = FlushAgainAfterAsync(task);
        return task;
    }

    protected void WriteUnflushed<T>(T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        bool gzip = PrepareMessage();
        Writer.Write(message, serializer, gzip && (flags & WriteFlags.NoCompress) == 0);
    }

    private async Task WriteAfterAsync<T>(
        Task pending, T message, Action<T, SerializationContext> serializer, WriteFlags flags)
    {
        await pending.ConfigureAwait(false);
        await WriteAsync(message, serializer, flags).ConfigureAwait(false);
    }

    private void QueueFlush()
    {
        _flushWanted = true;
        if (_flushQueued || IsFlushing)
            return;
        _flushQueued = true;
        ThreadPool.UnsafeQueueUserWorkItem(static output => output.FlushQueued(), this, preferLocal: false);
    }

    private void FlushQueued()
    {
        lock (Lock)
        {
            _flushQueued = false;
            FlushIfWanted();
        }
    }

    private async Task FlushAgainAfterAsync(Task flush)
    {
        await flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (Lock)
            FlushIfWanted();
    }

    private void FlushIfWanted()
    {
        if (!_flushWanted || Writer.Unflushed == 0 || IsFlushing || !MayFlush)
            return;
        try
        {
            _ = FlushLocked();
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            // The transport is gone: the application learns it with its next write or read.
        }
    }
}
