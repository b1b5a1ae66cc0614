using System.Buffers.Binary;

namespace KernelBypass.Model.Flows;

/// <summary>Walks an action section of the codec without allocating.</summary>
public ref struct ActionReader(ReadOnlySpan<byte> section)
{
    private ReadOnlySpan<byte> _rest = section;

    /// <summary>Kind of the current action.</summary>
    public ActionKind Kind { get; private set; }

    /// <summary>Payload of the current action.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>Set when the section ended inside an action.</summary>
    public bool Truncated { get; private set; }

    /// <summary>Port of an <see cref="ActionKind.Output"/>.</summary>
    public readonly uint Port => BinaryPrimitives.ReadUInt32LittleEndian(Payload);

    /// <summary>Bytes of the packet that a controller output sends; 0xffff is all.</summary>
    public readonly ushort MaxLength => BinaryPrimitives.ReadUInt16LittleEndian(Payload[4..]);

    /// <summary>Field of a <see cref="ActionKind.SetField"/>.</summary>
    public readonly MatchField Field => (MatchField)Payload[0];

    /// <summary>Value of a <see cref="ActionKind.SetField"/>, network order.</summary>
    public readonly ReadOnlySpan<byte> Value => Payload[1..];

    /// <summary>TPID of a <see cref="ActionKind.PushVlan"/>.</summary>
    public readonly ushort Tpid => BinaryPrimitives.ReadUInt16LittleEndian(Payload);

    /// <summary>Steps to the next action; false at the end (see <see cref="Truncated"/>).</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty) return false;
        if (_rest.Length < 2 || _rest.Length < 2 + _rest[1])
        {
            Truncated = true;
            return false;
        }

        Kind = (ActionKind)_rest[0];
        Payload = _rest.Slice(2, _rest[1]);
        _rest = _rest[(2 + _rest[1])..];
        return true;
    }
}
