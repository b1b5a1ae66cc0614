using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text;
using Grpc.Core;
using Grpc.Protocol;
using KernelBypass.Fuzz.Tests.Harness;
using static KernelBypass.Fuzz.Tests.Targets.WireTargets;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>The framing of gRPC over HTTP/2 and its headers, as any client may send them.</summary>
internal static class GrpcTargets
{
    private const int Limit = 4096;

    /// <summary>
    /// Length-prefixed messages, in one piece and in pieces: the same messages and the same error either way, none over the
    /// limit.
    /// </summary>
    internal static FuzzTarget Framing { get; } = new("grpc-framing",
        [Message("hello"u8, gzip: false), [.. Message(default, false), .. Message(new byte[300], true), .. Message("x"u8, false)],
            Message(new byte[5000], gzip: true), Message(new byte[5000], gzip: false)],
        [[0, 0, 0, 0, 0], [1, 0, 0, 0, 1], [0, 255, 255, 255, 255], [0, 127, 255, 255, 255], [0x1F, 0x8B]], 10_000, input =>
        {
            byte[] bytes = input.ToArray();
            string whole = Read(new ReadOnlySequence<byte>(bytes));
            Require(Read(Pieces(bytes)) == whole, "pieces are read otherwise than the whole");
            return FuzzPath.OfShape(whole);
        });

    /// <summary>grpc-timeout, grpc-message and binary metadata: read or refused, never thrown at.</summary>
    internal static FuzzTarget Headers { get; } = new("grpc-headers",
        [.. new[] { "1S", "99999999H", "100m", "a%20b%E2%82%AC", "AQID,BAUG", "plain text" }.Select(Encoding.Latin1.GetBytes)],
        [.. new[] { "%", "%%", "%zz", "H", "n", "99999999", "=", ",", "AAAA" }.Select(Encoding.Latin1.GetBytes)], 60_000, input =>
        {
            string text = Encoding.Latin1.GetString(input);
            ulong path = 0;
            if (TimeoutHeader.TryParse(text, out TimeSpan timeout))
            {
                Require(timeout >= TimeSpan.Zero, "a timeout before now");
                bool read = TimeoutHeader.TryParse(TimeoutHeader.Format(timeout), out TimeSpan again);
                Require(read && again >= timeout, "a timeout shrinks");
                path |= 1;
            }
            string decoded = PercentEncoding.Decode(text);
            Require(PercentEncoding.Decode(PercentEncoding.Encode(decoded)) == decoded, "a status message does not round-trip");
            var metadata = new Metadata();
            MetadataHeaders.AddFromWire(metadata, "key-bin", text);
            MetadataHeaders.AddFromWire(metadata, "key", text);
            return path | ((ulong)metadata.Count << 1) | (decoded == text ? 0 : 1ul << 32);
        }, MaxLength: 256);

    private static string Read(ReadOnlySequence<byte> bytes)
    {
        var reader = new MessageReader(PipeReader.Create(bytes), Limit, gzip: true);
        var text = new StringBuilder();
        try
        {
            while (true)
            {
                Task<(bool Found, int Length)> next =
                    reader.ReadAsync(context => context.PayloadLength, CancellationToken.None).AsTask();
                Require(next.IsCompleted, "reading waits, with every byte there");
                (bool found, int length) = next.GetAwaiter().GetResult();
                if (!found)
                    return text.Append("end").ToString();
                Require(length <= Limit, "a message over the limit");
                text.Append(reader.LastWasCompressed ? "gzip " : "plain ").Append(length).Append(' ');
            }
        }
        catch (RpcException error)
        {
            return text.Append(error.StatusCode).ToString();
        }
        finally
        {
            reader.Release();
        }
    }

    private static ReadOnlySequence<byte> Pieces(byte[] bytes)
    {
        if (bytes.Length == 0)
            return default;
        var first = new Piece(bytes.AsMemory(0, 1), null);
        Piece last = first;
        for (int at = 1, size = 2; at < bytes.Length; at += size, size = (size * 5 % 7) + 1)
            last = new Piece(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)), last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private static byte[] Message(ReadOnlySpan<byte> payload, bool gzip)
    {
        byte[] body = payload.ToArray();
        if (gzip)
        {
            var stream = new MemoryStream();
            using (var compress = new GZipStream(stream, CompressionLevel.Fastest))
                compress.Write(body);
            body = stream.ToArray();
        }
        byte[] message = [gzip ? (byte)1 : (byte)0, 0, 0, 0, 0, .. body];
        BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(1), body.Length);
        return message;
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        internal Piece(ReadOnlyMemory<byte> memory, Piece? previous)
        {
            Memory = memory;
            RunningIndex = previous is null ? 0 : previous.RunningIndex + previous.Memory.Length;
            previous?.Next = this;
        }
    }
}
