using System.Buffers.Binary;

namespace KernelBypass.Daemon.Services;

/// <summary>Reads protobuf's wire format (protobuf.dev, "Encoding") where it lies, without objects.</summary>
internal ref struct ProtoReader(ReadOnlySpan<byte> bytes)
{
    private const int MaxVarintBytes = 10;
    private ReadOnlySpan<byte> _rest = bytes;
    private ReadOnlySpan<byte> _bytes;
    private int _wireType;
    private ulong _number;

    /// <summary>Number of the current field.</summary>
    internal int Field { get; private set; }

    /// <summary>The current field's bytes (strings, messages); empty for a number.</summary>
    internal readonly ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The current field's number; 0 for bytes.</summary>
    internal readonly ulong Number => _number;

    /// <summary>The current field as a uint32, as protobuf truncates it.</summary>
    internal readonly uint UInt32 => (uint)_number;

    /// <summary>Whether the current field holds bytes.</summary>
    internal readonly bool IsBytes => _wireType == 2;

    /// <summary>Steps to the next field; false at the end.</summary>
    /// <exception cref="InvalidDataException">The bytes are no protobuf message.</exception>
    internal bool MoveNext()
    {
        if (_rest.IsEmpty) return false;
        var tag = Varint();
        Field = (int)(tag >> 3);
        if (Field == 0 || tag > uint.MaxValue) throw Malformed();
        _wireType = (int)(tag & 7);
        _bytes = default;
        _number = 0;
        switch (_wireType)
        {
            case 0:
                _number = Varint();
                break;
            case 1:
                _number = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                var length = Varint();
                if (length > (ulong)_rest.Length) throw Malformed();
                _bytes = Take((int)length);
                break;
            case 5:
                _number = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw Malformed();
        }

        return true;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length) throw Malformed();
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private ulong Varint()
    {
        if (!_rest.IsEmpty && _rest[0] < 0x80)
        {
            var one = _rest[0];
            _rest = _rest[1..];
            return one;
        }

        ulong value = 0;
        for (var i = 0; i < MaxVarintBytes && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
            if (_rest[i] >= 0x80) continue;
            _rest = _rest[(i + 1)..];
            return value;
        }

        throw Malformed();
    }

    private static InvalidDataException Malformed() => new("the message is no protobuf message");
}
