using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Tests;

public sealed class RingTests
{
    private const int Capacity = 4096;

    [Fact]
    public void Messages_come_out_whole_and_in_order_however_they_wrap() => ForAllSeeds(200, KeepsOrder);

    private static bool KeepsOrder(int seed)
    {
        using var memory = new RingMemory(Capacity);
        var (writer, reader) = (memory.Writer(), memory.Reader());
        var random = new Random(seed);
        var expected = new Queue<(ulong, byte[])>();
        for (var step = 0; step < 500; step++)
        {
            if (random.Next(2) == 0)
            {
                var payload = new byte[random.Next(writer.MaxPayload + 1)];
                random.NextBytes(payload);
                var cut = random.Next(payload.Length + 1);
                var room = writer.HasRoom(MessageHeader.Footprint(payload.Length));
                var written = writer.TryWrite(
                    MessageType.FlowAdd, MessageFlags.More, (ulong)step, payload.AsSpan(0, cut), payload.AsSpan(cut));
                if (written != room) return false;
                if (written) expected.Enqueue(((ulong)step, payload));
            }
            else if (reader.TryRead(out var header, out var bytes))
            {
                var (correlation, payload) = expected.Dequeue();
                var same = header.Correlation == correlation && header.Type == MessageType.FlowAdd
                    && header.Flags == MessageFlags.More;
                if (!same || !bytes.SequenceEqual(payload)) return false;
            }
            else if (expected.Count != 0)
            {
                return false;
            }
        }

        return memory.GuardsIntact && reader.Fault is null && writer.Fault is null;
    }

    [Fact]
    public void Two_threads_pass_a_million_messages()
    {
        using var memory = new RingMemory(1 << 16);
        var (writer, reader) = (memory.Writer(), memory.Reader());
        var thread = new Thread(() =>
        {
            Span<byte> payload = stackalloc byte[64];
            for (ulong i = 0; i < 1_000_000; i++)
            {
                payload.Fill((byte)i);
                while (!writer.TryWrite(MessageType.FlowAdd, default, i, payload[..(int)(i % 64)])) Thread.Yield();
            }
        });
        thread.Start();
        for (ulong i = 0; i < 1_000_000; i++)
        {
            MessageHeader header;
            ReadOnlySpan<byte> payload;
            while (!reader.TryRead(out header, out payload)) Thread.Yield();
            Assert.True(header.Correlation == i && payload.Length == (int)(i % 64)
                && payload.IndexOfAnyExcept((byte)i) < 0, $"message {i}");
        }

        thread.Join();
    }

    [Fact]
    public void A_reader_survives_any_content_and_any_cursor() => ForAllSeeds(500, ReaderSurvives);

    private static bool ReaderSurvives(int seed)
    {
        using var memory = new RingMemory(Capacity);
        var reader = memory.Reader();
        var random = new Random(seed);
        var messages = 0;
        for (var step = 0; step < 100; step++)
        {
            random.NextBytes(memory.Data);
            // Half of the heads are plausible, so that the fuzz gets beyond the first check.
            if (random.Next(2) == 0)
            {
                for (var i = 0; i + 16 <= Capacity; i += 8 * random.Next(1, 20)) MemoryMarshal.Write(
                    memory.Data[i..], (uint)random.Next(64));
            }

            memory.WriteCursor = random.Next(4) == 0
                ? (ulong)random.NextInt64() : memory.ReadCursor + (ulong)(random.Next(Capacity / 8 + 1) * 8);
            while (reader.TryRead(out var header, out var payload))
            {
                if (payload.Length != header.Length || payload.Length > Capacity) return false;
                messages++;
            }

            if (reader.Fault is not null) reader.Restart();
        }

        return memory.GuardsIntact && messages >= 0;
    }

    [Fact]
    public void A_writer_survives_any_cursor_of_its_reader() => ForAllSeeds(200, WriterSurvives);

    private static bool WriterSurvives(int seed)
    {
        using var memory = new RingMemory(Capacity);
        var writer = memory.Writer();
        var random = new Random(seed);
        for (var step = 0; step < 200; step++)
        {
            memory.ReadCursor = random.Next(3) == 0 ? (ulong)random.NextInt64() : memory.WriteCursor - (ulong)random.Next(3) * 8;
            writer.TryWrite(MessageType.FlowAdd, default, 0, new byte[random.Next(writer.MaxPayload)]);
            if (writer.Fault is not null && writer.FreeBytes != 0) return false;
        }

        return memory.GuardsIntact;
    }

    [Theory]
    [InlineData(8, 0u, "cut off")]
    [InlineData(16, 5000u, "claims more than")]
    [InlineData(16, 8u, "reaches beyond")]
    [InlineData(17, 0u, "outside the ring")]
    [InlineData(8192, 0u, "outside the ring")]
    public void What_a_hostile_writer_does_is_named(int cursor, uint length, string reason)
    {
        using var memory = new RingMemory(Capacity);
        var reader = memory.Reader();
        MemoryMarshal.Write(memory.Data, length);
        memory.WriteCursor = (ulong)cursor;
        Assert.False(reader.TryRead(out _, out _));
        Assert.Contains(reason, reader.Fault, StringComparison.Ordinal);
        Assert.False(reader.TryRead(out _, out _));
    }

    private static void ForAllSeeds(int count, Func<int, bool> property) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(count), Prop.ForAll(property));
}
