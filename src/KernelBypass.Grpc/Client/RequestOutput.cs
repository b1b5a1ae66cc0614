using System.Buffers;
using System.IO.Compression;
using Grpc.Protocol;

namespace Grpc.Net.Client;

/// <summary>
/// The messages on their way into the body of a request: gathered in one buffer while the other is being sent, or while the
/// body is not open yet.
/// </summary>
internal sealed class RequestOutput : MessageOutput
{
    private readonly RequestStream _stream;
    private readonly TwoBuffers _buffers;
    private readonly bool _gzip;
    private bool _ended;

    public RequestOutput(RequestStream stream, int? maxMessageSize, bool gzip)
        : this(stream, new TwoBuffers(), maxMessageSize, gzip)
    {
    }

    private RequestOutput(RequestStream stream, TwoBuffers buffers, int? maxMessageSize, bool gzip)
        : base(buffers, maxMessageSize, CompressionLevel.Fastest, contiguous: true)
    {
        _stream = stream;
        _buffers = buffers;
        _gzip = gzip;
    }

    protected override bool MayFlush => !_ended;

    protected override bool WritesDuringFlush => true;

    /// <summary>Sends what is left; nothing may be written afterwards.</summary>
    public async Task EndAsync()
    {
        Task flush;
        lock (Lock)
        {
            _ended = true;
            flush = IsFlushing ? PendingFlush! : Task.CompletedTask;
        }

        await flush.ConfigureAwait(false);
        lock (Lock)
            flush = FlushLocked();
        await flush.ConfigureAwait(false);
    }

    protected override bool PrepareMessage()
    {
        if (_ended)
            throw new InvalidOperationException("The stream of requests has been completed.");
        return _gzip;
    }

    protected override ValueTask SendBufferAsync() =>
        _buffers.Swap() is { Length: > 0 } bytes ? SendAsync(bytes) : ValueTask.CompletedTask;

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        var stream = await _stream.OpenedAsync.ConfigureAwait(false);
        await stream.WriteAsync(bytes).ConfigureAwait(false);
        await stream.FlushAsync().ConfigureAwait(false);
    }

    private sealed class TwoBuffers : IBufferWriter<byte>
    {
        private const int InitialSize = 36 * 1024;
        private const int MaxRetained = 1024 * 1024;

        private ArrayBufferWriter<byte> _current = new(InitialSize);
        private ArrayBufferWriter<byte>? _other;

        public void Advance(int count) => _current.Advance(count);

        public Memory<byte> GetMemory(int sizeHint = 0) => _current.GetMemory(sizeHint);

        public Span<byte> GetSpan(int sizeHint = 0) => _current.GetSpan(sizeHint);

        // What was returned by the last swap has been sent when this one is made.
        public ReadOnlyMemory<byte> Swap()
        {
            var full = _current;
            if (_other is null || _other.Capacity > MaxRetained)
                _current = new ArrayBufferWriter<byte>(InitialSize);
            else
                (_current = _other).ResetWrittenCount();
            _other = full;
            return full.WrittenMemory;
        }
    }
}
