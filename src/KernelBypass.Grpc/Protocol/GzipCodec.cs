using System.Buffers;
using System.IO.Compression;
using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>Compresses and decompresses single messages with gzip, in a buffer that is used again.</summary>
internal sealed class GzipCodec
{
    private const int ChunkSize = 16 * 1024;
    private const int MaxRetained = 1024 * 1024;
    private ArrayBufferWriter<byte> _buffer = new(ChunkSize);

    /// <summary>Compresses; the result is valid until the next use.</summary>
    public ReadOnlyMemory<byte> Compress(ReadOnlySpan<byte> message, CompressionLevel level)
    {
        Reset();
        using (var gzip = new GZipStream(new BufferWriterStream(_buffer), level, leaveOpen: true))
            gzip.Write(message);
        return _buffer.WrittenMemory;
    }

    /// <summary>Decompresses; the result is valid until the next use.</summary>
    /// <param name="message">The compressed bytes.</param>
    /// <param name="limit">The most bytes the message may have, checked while it grows.</param>
    /// <exception cref="RpcException">INTERNAL if it is no gzip, RESOURCE_EXHAUSTED if it is larger than the limit.</exception>
    public ReadOnlyMemory<byte> Decompress(ReadOnlySequence<byte> message, int limit)
    {
        Reset();
        try
        {
            using var gzip = new GZipStream(new SequenceStream(message), CompressionMode.Decompress);
            while (true)
            {
                int read = gzip.Read(_buffer.GetSpan(ChunkSize));
                if (read == 0)
                    return _buffer.WrittenMemory;
                _buffer.Advance(read);
                if (_buffer.WrittenCount > limit)
                    throw MessageErrors.ReceivedTooLarge("when decompressed, more than " + limit, limit);
            }
        }
        catch (InvalidDataException e)
        {
            throw new RpcException(new Status(StatusCode.Internal, "The message can't be decompressed: it is not valid gzip.", e));
        }
    }

    private void Reset()
    {
        if (_buffer.Capacity > MaxRetained)
            _buffer = new ArrayBufferWriter<byte>(ChunkSize);
        else
            _buffer.ResetWrittenCount();
    }

    private abstract class OneWayStream : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }

    private sealed class BufferWriterStream(IBufferWriter<byte> writer) : OneWayStream
    {
        public override bool CanWrite => true;

        public override void Write(ReadOnlySpan<byte> buffer) => writer.Write(buffer);
    }

    private sealed class SequenceStream(ReadOnlySequence<byte> sequence) : OneWayStream
    {
        private ReadOnlySequence<byte> _rest = sequence;

        public override bool CanRead => true;

        public override int Read(Span<byte> buffer)
        {
            int count = (int)Math.Min(buffer.Length, _rest.Length);
            _rest.Slice(0, count).CopyTo(buffer);
            _rest = _rest.Slice(count);
            return count;
        }
    }
}
