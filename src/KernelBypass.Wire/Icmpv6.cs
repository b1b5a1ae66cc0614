namespace KernelBypass.Wire;

/// <summary>ICMPv6 types (RFC 4443, RFC 4861, IANA icmpv6-parameters).</summary>
public static class Icmpv6Types
{
    /// <summary>Destination unreachable.</summary>
    public const byte DestinationUnreachable = 1;

    /// <summary>Packet too big; bytes 4 to 7 are the MTU.</summary>
    public const byte PacketTooBig = 2;

    /// <summary>Time exceeded.</summary>
    public const byte TimeExceeded = 3;

    /// <summary>Parameter problem; bytes 4 to 7 point at the byte.</summary>
    public const byte ParameterProblem = 4;

    /// <summary>Echo request.</summary>
    public const byte EchoRequest = 128;

    /// <summary>Echo reply.</summary>
    public const byte EchoReply = 129;

    /// <summary>Router solicitation.</summary>
    public const byte RouterSolicitation = 133;

    /// <summary>Router advertisement.</summary>
    public const byte RouterAdvertisement = 134;

    /// <summary>Neighbor solicitation.</summary>
    public const byte NeighborSolicitation = 135;

    /// <summary>Neighbor advertisement.</summary>
    public const byte NeighborAdvertisement = 136;

    /// <summary>Redirect.</summary>
    public const byte Redirect = 137;

    /// <summary>True for error messages, which quote the packet that caused them: types under 128.</summary>
    public static bool IsError(byte type) => type < 128;
}

/// <summary>
/// A read-only view of an ICMPv6 message (RFC 4443 2.1).
/// <code>
///  0      1      2          4
///  +------+------+----------+--------------------------
///  | type | code | checksum | body, by type
///  +------+------+----------+--------------------------
/// </code>
/// </summary>
public readonly ref struct Icmpv6View
{
    /// <summary>Bytes before the body.</summary>
    public const int HeaderLength = 4;

    /// <summary>Bytes before the data of an echo or the quoted packet of an error.</summary>
    public const int LongHeaderLength = 8;

    internal const int ChecksumOffset = 2;

    private readonly ReadOnlySpan<byte> _bytes;

    private Icmpv6View(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Message type, see <see cref="Icmpv6Types"/>.</summary>
    public byte Type => _bytes[0];

    /// <summary>Code within the type.</summary>
    public byte Code => _bytes[1];

    /// <summary>The checksum field.</summary>
    public ushort Checksum => BigEndian.U16(_bytes, ChecksumOffset);

    /// <summary>Bytes 4 to 7, whose meaning depends on the type; 0 when the message is shorter.</summary>
    public uint RestOfHeader => _bytes.Length >= LongHeaderLength ? BigEndian.U32(_bytes, HeaderLength) : 0;

    /// <summary>Identifier of an echo.</summary>
    public ushort Identifier => (ushort)(RestOfHeader >> 16);

    /// <summary>Sequence number of an echo.</summary>
    public ushort Sequence => (ushort)RestOfHeader;

    /// <summary>Everything after the checksum.</summary>
    public ReadOnlySpan<byte> Body => _bytes[HeaderLength..];

    /// <summary>Data of an echo, quoted packet of an error: what follows the first 8 bytes.</summary>
    public ReadOnlySpan<byte> Payload => _bytes.Length > LongHeaderLength ? _bytes[LongHeaderLength..] : default;

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>True when the checksum, which covers the pseudo header, is right.</summary>
    public bool IsChecksumValid(uint pseudoHeaderSum) => Wire.Checksum.IsValid(_bytes, pseudoHeaderSum);

    /// <summary>Checks the length once; no accessor fails afterwards.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Icmpv6View view) => TryParse(bytes, out view, out _);

    /// <summary>
    /// Error: truncated_icmpv6, also when an error or echo message has not its 8 bytes.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Icmpv6View view, out ParseError error)
    {
        bool ok = bytes.Length >= HeaderLength && bytes.Length >= LeastLength(bytes[0]);
        error = ok ? ParseError.None : ParseError.TruncatedIcmpv6;
        view = ok ? new Icmpv6View(bytes) : default;
        return ok;
    }

    private static int LeastLength(byte type) =>
        type is <= Icmpv6Types.ParameterProblem or Icmpv6Types.EchoRequest or Icmpv6Types.EchoReply
            ? LongHeaderLength : HeaderLength;
}

/// <summary>A view of an ICMPv6 message whose fields can be set. Only <see cref="FillChecksum"/> touches the checksum.</summary>
public readonly ref struct MutableIcmpv6View
{
    private readonly Span<byte> _bytes;

    private MutableIcmpv6View(Span<byte> bytes) => _bytes = bytes;

    /// <summary>Everything after the checksum.</summary>
    public Span<byte> Body => _bytes[Icmpv6View.HeaderLength..];

    /// <summary>Checks as <see cref="Icmpv6View"/> does.</summary>
    public static bool TryParse(Span<byte> bytes, out MutableIcmpv6View view)
    {
        bool ok = Icmpv6View.TryParse(bytes, out _);
        view = ok ? new MutableIcmpv6View(bytes) : default;
        return ok;
    }

    /// <summary>Sets the type.</summary>
    public void SetType(byte value) => _bytes[0] = value;

    /// <summary>Sets the code.</summary>
    public void SetCode(byte value) => _bytes[1] = value;

    /// <summary>Computes and stores the checksum.</summary>
    public void FillChecksum(uint pseudoHeaderSum)
    {
        BigEndian.U16(_bytes, Icmpv6View.ChecksumOffset, 0);
        BigEndian.U16(_bytes, Icmpv6View.ChecksumOffset, Checksum.Compute(_bytes, pseudoHeaderSum));
    }
}
