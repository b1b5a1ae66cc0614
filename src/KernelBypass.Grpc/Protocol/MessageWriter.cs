using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>
/// Writes length-prefixed messages into a transport's buffers. A message of known length that fits a block is serialized
/// right behind its prefix, in one piece of memory; a longer one streams through; one that is compressed, or whose length is
/// not known before, goes through a buffer.
/// </summary>
internal sealed class MessageWriter : SerializationContext, IBufferWriter<byte>
{
    private const int PrefixSize = 5;
    private const int OnePieceSize = 4096;
    private const int MaxRetained = 1024 * 1024;

    private readonly IBufferWriter<byte> _output;
    private readonly int _limit;
    private readonly CompressionLevel _level;
    private readonly int _onePieceSize;
    private GzipCodec? _codec;
    private ArrayBufferWriter<byte>? _buffer;
    private Memory<byte> _piece;
    private Mode _mode;
    private bool _compress;
    private int _declared;
    private int _written;

    /// <param name="output">Where the bytes go.</param>
    /// <param name="limit">The largest message, before compression; null for none.</param>
    /// <param name="level">How hard to compress.</param>
    /// <param name="contiguous">
    /// Whether the output is one growing array, so that a message of any size is best asked room for at once.
    /// </param>
    public MessageWriter(IBufferWriter<byte> output, int? limit, CompressionLevel level, bool contiguous = false)
    {
        _onePieceSize = contiguous ? Array.MaxLength : OnePieceSize;
        _output = output;
        _limit = limit ?? int.MaxValue;
        _level = level;
    }

    private enum Mode
    {
        Done,
        Started,
        OnePiece,
        Streaming,
        Buffered,
    }

    /// <summary>Bytes written since the owner last flushed and set this to 0.</summary>
    public long Unflushed { get; set; }

    /// <summary>
    /// A message failed when part of it was already in the buffers: the stream of messages can't be continued and the call
    /// has to be reset.
    /// </summary>
    public bool IsBroken { get; private set; }

    /// <summary>Puts one message into the buffers.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: it is larger than the limit.</exception>
    public void Write<T>(T message, Action<T, SerializationContext> serializer, bool compress)
    {
        if (IsBroken)
            throw new InvalidOperationException("An earlier message failed halfway: the stream can't be continued.");
        _mode = Mode.Started;
        _compress = compress;
        _declared = -1;
        _written = 0;
        try
        {
            serializer(message, this);
            if (_mode != Mode.Done)
                throw new InvalidOperationException($"The serializer of {typeof(T)} returned without calling Complete.");
        }
        catch
        {
            IsBroken = _mode == Mode.Streaming;
            _mode = Mode.Done;
            throw;
        }
    }

    /// <inheritdoc/>
    public override void SetPayloadLength(int payloadLength)
    {
        Expect(Mode.Started);
        CheckSize(payloadLength);
        _declared = payloadLength;
    }

    /// <inheritdoc/>
    public override IBufferWriter<byte> GetBufferWriter()
    {
        if (_mode != Mode.Started)
            return this;
        if (_compress || _declared < 0)
        {
            StartBuffer();
        }
        else if (_declared < _onePieceSize - PrefixSize)
        {
            // One byte to spare, as a writer may never hand out an empty span.
            _piece = _output.GetMemory(PrefixSize + _declared + 1);
            _mode = Mode.OnePiece;
        }
        else
        {
            WritePrefix(_output.GetSpan(PrefixSize), compressed: false, _declared);
            Commit(PrefixSize);
            _mode = Mode.Streaming;
        }

        return this;
    }

    /// <inheritdoc/>
    public override void Complete(byte[] payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        Expect(Mode.Started);
        CheckSize(payload.Length);
        Emit(payload);
    }

    /// <inheritdoc/>
    public override void Complete()
    {
        GetBufferWriter();
        if (_declared >= 0 && _written != _declared)
        {
            throw new InvalidOperationException(
                $"The serializer wrote {_written} bytes after declaring a payload of {_declared}.");
        }

        switch (_mode)
        {
            case Mode.OnePiece:
                WritePrefix(_piece.Span, compressed: false, _written);
                Commit(PrefixSize + _written);
                break;
            case Mode.Buffered:
                CheckSize(_written);
                Emit(_buffer!.WrittenSpan);
                if (_buffer.Capacity > MaxRetained)
                    _buffer = null;
                break;
        }

        _mode = Mode.Done;
    }

    void IBufferWriter<byte>.Advance(int count)
    {
        switch (_mode)
        {
            case Mode.OnePiece:
                if ((uint)count > (uint)(_piece.Length - PrefixSize - _written))
                    throw new ArgumentOutOfRangeException(nameof(count));
                break;
            case Mode.Streaming:
                Commit(count);
                break;
            default:
                _buffer!.Advance(count);
                break;
        }

        _written += count;
    }

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        if (_mode == Mode.OnePiece)
        {
            var rest = _piece[(PrefixSize + _written)..];
            if (rest.Length >= Math.Max(sizeHint, 1))
                return rest;
            SpillToBuffer();
        }

        return _mode == Mode.Streaming ? _output.GetMemory(sizeHint) : _buffer!.GetMemory(sizeHint);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => ((IBufferWriter<byte>)this).GetMemory(sizeHint).Span;

    private static void WritePrefix(Span<byte> prefix, bool compressed, int length)
    {
        prefix[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], length);
    }

    private void Emit(ReadOnlySpan<byte> payload)
    {
        // An empty message does not become smaller; GZipStream would make of it what other peers can't decompress.
        bool compress = _compress && !payload.IsEmpty;
        if (compress)
            payload = (_codec ??= new GzipCodec()).Compress(payload, _level).Span;
        WritePrefix(_output.GetSpan(PrefixSize), compress, payload.Length);
        Commit(PrefixSize);
        _output.Write(payload);
        Unflushed += payload.Length;
        _mode = Mode.Done;
    }

    private void Commit(int count)
    {
        _output.Advance(count);
        Unflushed += count;
    }

    private void StartBuffer()
    {
        (_buffer ??= new ArrayBufferWriter<byte>(OnePieceSize)).ResetWrittenCount();
        _mode = Mode.Buffered;
    }

    // A serializer asked for more room than its declared length leaves: what it has written moves to the buffer.
    private void SpillToBuffer()
    {
        StartBuffer();
        _buffer!.Write(_piece.Span.Slice(PrefixSize, _written));
    }

    private void CheckSize(int size)
    {
        if (size > _limit)
            throw MessageErrors.SentTooLarge(size, _limit);
    }

    private void Expect(Mode mode)
    {
        if (_mode != mode)
            throw new InvalidOperationException("The serializer called the context's methods out of order.");
    }
}
