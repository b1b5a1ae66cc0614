using System.Buffers;

namespace Grpc.Core;

/// <summary>Where a marshaller writes one message: either an array, or a declared length and a buffer writer.</summary>
public abstract class SerializationContext
{
    /// <summary>Ends the message with its bytes.</summary>
    public virtual void Complete(byte[] payload) => throw new NotSupportedException("This context takes no array.");

    /// <summary>The writer for the payload; to be followed by <see cref="Complete()"/>.</summary>
    public virtual IBufferWriter<byte> GetBufferWriter() =>
        throw new NotSupportedException("This context has no buffer writer.");

    /// <summary>Says, before the writer is asked for, how many bytes will be written.</summary>
    public virtual void SetPayloadLength(int payloadLength) =>
        throw new NotSupportedException("This context takes no length.");

    /// <summary>Ends the message that went to the buffer writer.</summary>
    public virtual void Complete() => throw new NotSupportedException("This context has no buffer writer.");
}

/// <summary>Where a marshaller reads one message. The bytes are valid until the marshaller returns.</summary>
public abstract class DeserializationContext
{
    /// <summary>The payload's length in bytes.</summary>
    public abstract int PayloadLength { get; }

    /// <summary>The payload, copied to an array of the caller's own.</summary>
    public virtual byte[] PayloadAsNewBuffer() => PayloadAsReadOnlySequence().ToArray();

    /// <summary>The payload where it lies in the transport's buffers.</summary>
    public virtual ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(PayloadAsNewBuffer());
}

internal sealed class BufferedSerializationContext : SerializationContext
{
    private ArrayBufferWriter<byte>? _writer;
    private byte[]? _payload;

    public static byte[] Serialize<T>(T message, Action<T, SerializationContext> serializer)
    {
        var context = new BufferedSerializationContext();
        serializer(message, context);
        return context._payload
            ?? throw new InvalidOperationException($"The serializer of {typeof(T)} returned without calling Complete.");
    }

    public override void Complete(byte[] payload) => _payload = payload;

    public override IBufferWriter<byte> GetBufferWriter() => _writer ??= new ArrayBufferWriter<byte>();

    public override void SetPayloadLength(int payloadLength) =>
        _writer ??= new ArrayBufferWriter<byte>(Math.Max(payloadLength, 1));

    public override void Complete() => _payload = _writer?.WrittenSpan.ToArray() ?? [];
}

internal sealed class BufferedDeserializationContext(byte[] payload) : DeserializationContext
{
    public override int PayloadLength => payload.Length;

    public override byte[] PayloadAsNewBuffer() => payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(payload);
}
