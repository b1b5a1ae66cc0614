using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using FsCheck;
using FsCheck.Fluent;
using Grpc.Core;
using Grpc.Protocol;

namespace KernelBypass.Grpc.Tests;

/// <summary>Length-prefixed messages, however the bytes of the stream are cut into pieces.</summary>
public sealed class MessageFramingTests
{
    private static readonly Func<DeserializationContext, byte[]> s_bytes = c => c.PayloadAsNewBuffer();
    private static readonly Action<byte[], SerializationContext> s_write = (m, c) => c.Complete(m);

    [Fact]
    public void Messages_survive_any_cut() => Prop.ForAll<byte[][], PositiveInt, bool>((messages, piece, gzip) =>
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessageWriter(buffer, null, CompressionLevel.Fastest);
        foreach (var message in messages)
            writer.Write(message, s_write, gzip);
        var read = ReadAll(Cut(buffer.WrittenSpan.ToArray(), (piece.Get % 7) + 1), null, gzip);
        Assert.Equal(messages, read);
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4090)]
    [InlineData(4091)]
    [InlineData(4092)]
    [InlineData(100_000)]
    public void Every_way_to_serialize_gives_the_same_bytes(int size)
    {
        var payload = new byte[size];
        new System.Random(size).NextBytes(payload);
        byte[] expected = RawUnary.Frame(0, payload);
        Assert.Equal(expected, Written((_, c) => c.Complete(payload)));
        Assert.Equal(expected, Written((_, c) => Piecewise(c, declare: true, hint: 0)));
        Assert.Equal(expected, Written((_, c) => Piecewise(c, declare: false, hint: 0)));
        Assert.Equal(expected, Written((_, c) => Piecewise(c, declare: true, hint: 8192)));

        void Piecewise(SerializationContext context, bool declare, int hint)
        {
            if (declare)
                context.SetPayloadLength(size);
            var writer = context.GetBufferWriter();
            for (int at = 0; at < size;)
            {
                var span = writer.GetSpan(hint);
                int count = Math.Min(Math.Min(span.Length, 1000), size - at);
                payload.AsSpan(at, count).CopyTo(span);
                writer.Advance(count);
                at += count;
            }

            context.Complete();
        }
    }

    [Fact]
    public void A_serializer_that_fails_leaves_nothing_behind_while_the_message_is_small()
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessageWriter(buffer, null, CompressionLevel.Fastest);
        Assert.Throws<InvalidOperationException>(() => writer.Write("", (_, c) => c.SetPayloadLength(3), false));
        Assert.Throws<InvalidOperationException>(() => writer.Write(
            "",
            (_, c) =>
            {
                c.SetPayloadLength(3);
                c.GetBufferWriter().Write("ab"u8);
                c.Complete();
            },
            false));
        Assert.Equal(0, buffer.WrittenCount);
        Assert.False(writer.IsBroken);
    }

    [Fact]
    public void A_serializer_that_fails_halfway_breaks_the_stream()
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessageWriter(buffer, null, CompressionLevel.Fastest);
        Assert.Throws<FormatException>(() => writer.Write(
            "",
            (_, c) =>
            {
                c.SetPayloadLength(100_000);
                c.GetBufferWriter().Write("ab"u8);
                throw new FormatException();
            },
            false));
        Assert.True(writer.IsBroken);
        Assert.Throws<InvalidOperationException>(() => writer.Write([1], s_write, false));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Messages_over_the_limit_are_not_sent(bool declared)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessageWriter(buffer, 10, CompressionLevel.Fastest);
        var error = Assert.Throws<RpcException>(() => writer.Write(
            "",
            (_, c) =>
            {
                if (declared)
                    c.SetPayloadLength(11);
                else
                    c.Complete(new byte[11]);
            },
            false));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Equal(0, buffer.WrittenCount);
        writer.Write(new byte[10], s_write, false);
        Assert.Equal(15, buffer.WrittenCount);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0, 11 }, StatusCode.ResourceExhausted)]
    [InlineData(new byte[] { 0, 0xff, 0xff, 0xff, 0xff }, StatusCode.ResourceExhausted)]
    [InlineData(new byte[] { 0, 0x80, 0, 0, 0 }, StatusCode.ResourceExhausted)]
    [InlineData(new byte[] { 2, 0, 0, 0, 0 }, StatusCode.Internal)]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, StatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 1 }, StatusCode.Internal)]
    [InlineData(new byte[] { 0, 0, 0, 0 }, StatusCode.Internal)]
    [InlineData(new byte[] { 0 }, StatusCode.Internal)]
    public void Bad_frames_have_their_status(byte[] bytes, StatusCode code)
    {
        foreach (int piece in new[] { 1, 2, 100 })
            Assert.Equal(code, Assert.Throws<RpcException>(() => ReadAll(Cut(bytes, piece), 10, gzip: false)).StatusCode);
    }

    [Fact]
    public void A_huge_length_is_refused_without_memory_for_it()
    {
        byte[] bytes = [0, 0x7f, 0xff, 0xff, 0xff];
        Assert.Throws<RpcException>(() => ReadAll(Cut(bytes, 5), null, gzip: false));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<RpcException>(() => ReadAll(Cut(bytes, 5), 4 << 20, gzip: false));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_gzip_bomb_stops_at_the_limit()
    {
        var frame = RawUnary.Frame(1, RawUnary.Gzip(new byte[50_000_000]));
        Assert.True(frame.Length < 1_000_000);
        var error = Assert.Throws<RpcException>(() => ReadAll(Cut(frame, frame.Length), 1_000_000, gzip: true));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
    }

    [Fact]
    public void What_is_no_gzip_is_internal()
    {
        var whole = RawUnary.Gzip(new byte[1000]);
        foreach (var bad in new[] { [1, 2, 3], whole[..^10], [.. whole.AsSpan(0, 12), 0xff, 0xff, .. whole.AsSpan(14)] })
        {
            var frame = RawUnary.Frame(1, bad);
            var error = Assert.Throws<RpcException>(() => ReadAll(Cut(frame, frame.Length), null, gzip: true));
            Assert.Equal(StatusCode.Internal, error.StatusCode);
        }
    }

    [Fact]
    public void Random_bytes_give_a_status_and_nothing_else() => Prop.ForAll<byte[], PositiveInt, bool>((bytes, piece, gzip) =>
    {
        try
        {
            ReadAll(Cut(bytes, (piece.Get % 9) + 1), 1000, gzip);
        }
        catch (RpcException e)
        {
            Assert.Contains(e.StatusCode, new[] { StatusCode.Internal, StatusCode.ResourceExhausted });
        }
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private static byte[] Written(Action<string, SerializationContext> serializer)
    {
        var buffer = new ArrayBufferWriter<byte>();
        new MessageWriter(buffer, null, CompressionLevel.Fastest).Write("", serializer, false);
        return buffer.WrittenSpan.ToArray();
    }

    private static IEnumerable<byte[]> Cut(byte[] bytes, int piece) => bytes.Chunk(piece);

    private static List<byte[]> ReadAll(IEnumerable<byte[]> pieces, int? limit, bool gzip)
    {
        var pipe = new Pipe(new PipeOptions(
            pauseWriterThreshold: 0,
            readerScheduler: PipeScheduler.Inline,
            writerScheduler: PipeScheduler.Inline,
            minimumSegmentSize: 1));
        var reader = new MessageReader(pipe.Reader, limit, gzip);
        var messages = new List<byte[]>();
        using var source = pieces.GetEnumerator();
        while (true)
        {
            if (reader.TryRead(s_bytes, out var message))
            {
                messages.Add(message);
                continue;
            }

            var fill = reader.FillAsync(CancellationToken.None);
            if (!fill.IsCompleted)
            {
                if (source.MoveNext())
                    pipe.Writer.WriteAsync(source.Current).AsTask().GetAwaiter().GetResult();
                else
                    pipe.Writer.Complete();
            }

            if (!fill.AsTask().GetAwaiter().GetResult())
                return messages;
        }
    }
}
