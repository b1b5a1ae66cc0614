using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>Compresses and decompresses single messages with gzip, in a buffer that is used again.</summary>
internal sealed class GzipCodec
{
    private const int ChunkSize = 16 * 1024;
    private const int MinMemberSize = 18;
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
        // Some peers, .NET's GZipStream among them, compress nothing to nothing.
        if (message.IsEmpty)
            return default;
        try
        {
            using var gzip = new GZipStream(new SequenceStream(message), CompressionMode.Decompress);
            while (true)
            {
                int read = gzip.Read(_buffer.GetSpan(ChunkSize));
                if (read == 0)
                    break;
                _buffer.Advance(read);
                if (_buffer.WrittenCount > limit)
                    throw MessageErrors.ReceivedTooLarge("when decompressed, more than " + limit, limit);
            }
        }
        catch (InvalidDataException e)
        {
            throw MessageErrors.NotDecompressed(e);
        }

        // GZipStream takes data that stops short for an end. The last four bytes of a gzip member are the length of what is
        // in it (RFC 1952 section 2.3.1, ISIZE); a message is one member.
        Span<byte> size = stackalloc byte[sizeof(uint)];
        if (message.Length < MinMemberSize)
            throw MessageErrors.NotDecompressed(null);
        message.Slice(message.Length - sizeof(uint)).CopyTo(size);
        return BinaryPrimitives.ReadUInt32LittleEndian(size) == (uint)_buffer.WrittenCount
            ? _buffer.WrittenMemory
            : throw MessageErrors.NotDecompressed(null);
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
