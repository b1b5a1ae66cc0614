using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>
/// Reads length-prefixed messages (PROTOCOL-HTTP2.md, "Length-Prefixed-Message") where they lie in a pipe's buffers:
/// <code>
/// | 0 | compressed-flag: 0 or 1 | 1..4 | length, big-endian | 5.. | message |
/// </code>
/// What one read of the pipe brought is kept until every whole message in it has been taken, so that a message of a busy
/// stream costs a parse and no more.
/// </summary>
internal sealed class MessageReader : DeserializationContext
{
    private const int PrefixSize = 5;

    // Bytes taken are given back to the pipe in steps of this size, so that the sender's flow-control window opens
    // while the rest is still being worked on.
    private const int GiveBackSize = 64 * 1024;

    private readonly PipeReader _input;
    private readonly int _limit;
    private readonly bool _gzip;
    private GzipCodec? _codec;
    private ReadOnlySequence<byte> _buffered;
    private ReadOnlySequence<byte> _payload;
    private long _taken;
    private bool _holding;
    private bool _ended;

    /// <param name="input">The bytes of the peer.</param>
    /// <param name="limit">The largest message, in bytes; null for no limit but that of an array.</param>
    /// <param name="gzip">Whether grpc-encoding is gzip rather than identity.</param>
    public MessageReader(PipeReader input, int? limit, bool gzip)
    {
        _input = input;
        _limit = limit ?? Array.MaxLength;
        _gzip = gzip;
    }

    /// <summary>Whether the message last read had come compressed.</summary>
    public bool LastWasCompressed { get; private set; }

    /// <inheritdoc/>
    public override int PayloadLength => (int)_payload.Length;

    /// <inheritdoc/>
    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;

    /// <summary>Reads a message that has already arrived whole.</summary>
    /// <returns>False when more bytes are needed: then <see cref="FillAsync"/>.</returns>
    /// <exception cref="RpcException">The bytes break the protocol or a limit, or the message can't be parsed.</exception>
    public bool TryRead<T>(Func<DeserializationContext, T> deserializer, out T message)
    {
        message = default!;
        if (!_holding || !TryReadPrefix(out bool compressed, out int length))
            return false;
        if (_buffered.Length - PrefixSize < length)
            return false;
        var payload = _buffered.Slice(PrefixSize, length);
        var next = payload.End;
        if (compressed)
            payload = new ReadOnlySequence<byte>((_codec ??= new GzipCodec()).Decompress(payload, _limit));
        _payload = payload;
        try
        {
            message = deserializer(this);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw MessageErrors.NotParsed(e);
        }

        _payload = default;
        LastWasCompressed = compressed;
        _buffered = _buffered.Slice(next);
        _taken += PrefixSize + length;
        if (_taken >= GiveBackSize)
            GiveBack();
        return true;
    }

    /// <summary>Waits for more bytes.</summary>
    /// <returns>False when the peer has ended the stream, after a whole message.</returns>
    /// <exception cref="RpcException">It ended within a message.</exception>
    public ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (_holding)
        {
            if (_ended)
            {
                return _buffered.IsEmpty
                    ? ValueTask.FromResult(false)
                    : ValueTask.FromException<bool>(MessageErrors.Truncated());
            }

            Release(_buffered.End);
        }

        var read = _input.ReadAsync(cancellationToken);
        return read.IsCompletedSuccessfully ? ValueTask.FromResult(Hold(read.Result)) : Awaited(this, read);

        static async ValueTask<bool> Awaited(MessageReader reader, ValueTask<ReadResult> read) =>
            reader.Hold(await read.ConfigureAwait(false));
    }

    /// <summary>Reads the next message; false at the end of the stream.</summary>
    public async ValueTask<(bool Found, T Message)> ReadAsync<T>(
        Func<DeserializationContext, T> deserializer, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryRead(deserializer, out T message))
                return (true, message);
            if (!await FillAsync(cancellationToken).ConfigureAwait(false))
                return (false, default!);
        }
    }

    /// <summary>Gives the buffers back. The reader is not to be used afterwards.</summary>
    public void Release()
    {
        if (_holding)
            Release(_buffered.End);
    }

    private bool Hold(ReadResult result)
    {
        _buffered = result.Buffer;
        _holding = true;
        _ended = result.IsCompleted;
        if (result.IsCanceled)
            throw new OperationCanceledException();
        return !_ended || !_buffered.IsEmpty;
    }

    private void GiveBack()
    {
        if (_ended)
            return;
        Release(_buffered.Start);
        if (_input.TryRead(out var result))
            Hold(result);
    }

    private void Release(SequencePosition examined)
    {
        _input.AdvanceTo(_buffered.Start, examined);
        _buffered = default;
        _holding = false;
        _taken = 0;
    }

    private bool TryReadPrefix(out bool compressed, out int length)
    {
        compressed = false;
        length = 0;
        var first = _buffered.FirstSpan;
        if (first.Length < PrefixSize)
        {
            if (_buffered.Length < PrefixSize)
                return false;
            Span<byte> copy = stackalloc byte[PrefixSize];
            _buffered.Slice(0, PrefixSize).CopyTo(copy);
            return ParsePrefix(copy, out compressed, out length);
        }

        return ParsePrefix(first, out compressed, out length);
    }

    private bool ParsePrefix(ReadOnlySpan<byte> prefix, out bool compressed, out int length)
    {
        uint size = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        compressed = prefix[0] == 1;
        if (prefix[0] > 1)
            throw MessageErrors.BadFlag(prefix[0]);
        if (compressed && !_gzip)
            throw MessageErrors.CompressedWithoutEncoding();
        if (size > (uint)_limit)
            throw MessageErrors.ReceivedTooLarge(size.ToString(System.Globalization.CultureInfo.InvariantCulture), _limit);
        length = (int)size;
        return true;
    }
}
