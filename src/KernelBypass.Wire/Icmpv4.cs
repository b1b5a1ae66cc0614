namespace KernelBypass.Wire;

/// <summary>ICMP types (RFC 792, IANA icmp-parameters).</summary>
public static class Icmpv4Types
{
    /// <summary>Echo reply.</summary>
    public const byte EchoReply = 0;

    /// <summary>Destination unreachable; code 4 carries the next hop's MTU (RFC 1191).</summary>
    public const byte DestinationUnreachable = 3;

    /// <summary>Redirect.</summary>
    public const byte Redirect = 5;

    /// <summary>Echo request.</summary>
    public const byte EchoRequest = 8;

    /// <summary>Time exceeded.</summary>
    public const byte TimeExceeded = 11;

    /// <summary>Parameter problem.</summary>
    public const byte ParameterProblem = 12;

    /// <summary>True for messages that quote the packet that caused them (RFC 1122 3.2.2).</summary>
    public static bool IsError(byte type) => type is DestinationUnreachable or 4 or Redirect or TimeExceeded or ParameterProblem;
}

/// <summary>
/// A read-only view of an ICMP message (RFC 792).
/// <code>
///  0      1      2          4                          8
///  +------+------+----------+--------------------------+---------------------------
///  | type | code | checksum | identifier, sequence; or | data, or the quoted packet
///  |      |      |          | gateway; or unused, MTU  |
///  +------+------+----------+--------------------------+---------------------------
/// </code>
/// </summary>
public readonly ref struct Icmpv4View
{
    /// <summary>Bytes before data.</summary>
    public const int HeaderLength = 8;

    internal const int ChecksumOffset = 2;
    internal const int RestOffset = 4;

    private readonly ReadOnlySpan<byte> _bytes;

    private Icmpv4View(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Message type, see <see cref="Icmpv4Types"/>.</summary>
    public byte Type => _bytes[0];

    /// <summary>Code within the type.</summary>
    public byte Code => _bytes[1];

    /// <summary>The checksum field.</summary>
    public ushort Checksum => BigEndian.U16(_bytes, ChecksumOffset);

    /// <summary>Bytes 4 to 7, whose meaning depends on the type.</summary>
    public uint RestOfHeader => BigEndian.U32(_bytes, RestOffset);

    /// <summary>Identifier of an echo.</summary>
    public ushort Identifier => BigEndian.U16(_bytes, RestOffset);

    /// <summary>Sequence number of an echo.</summary>
    public ushort Sequence => BigEndian.U16(_bytes, RestOffset + 2);

    /// <summary>MTU of the next hop, of destination unreachable with code 4, in bytes.</summary>
    public ushort NextHopMtu => BigEndian.U16(_bytes, RestOffset + 2);

    /// <summary>Data; for an error, the packet that caused it, often cut short.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>True when the checksum is right; it covers the message alone.</summary>
    public bool IsChecksumValid => Wire.Checksum.IsValid(_bytes);

    /// <summary>Checks the length once; no accessor fails afterwards.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Icmpv4View view) => TryParse(bytes, out view, out _);

    /// <summary>Error: truncated_icmpv4.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Icmpv4View view, out ParseError error)
    {
        bool ok = bytes.Length >= HeaderLength;
        error = ok ? ParseError.None : ParseError.TruncatedIcmpv4;
        view = ok ? new Icmpv4View(bytes) : default;
        return ok;
    }
}

/// <summary>A view of an ICMP message whose fields can be set. Only <see cref="FillChecksum"/> touches the checksum.</summary>
public readonly ref struct MutableIcmpv4View
{
    private readonly Span<byte> _bytes;

    private MutableIcmpv4View(Span<byte> bytes) => _bytes = bytes;

    /// <summary>Data.</summary>
    public Span<byte> Payload => _bytes[Icmpv4View.HeaderLength..];

    /// <summary>Checks as <see cref="Icmpv4View"/> does.</summary>
    public static bool TryParse(Span<byte> bytes, out MutableIcmpv4View view)
    {
        bool ok = bytes.Length >= Icmpv4View.HeaderLength;
        view = ok ? new MutableIcmpv4View(bytes) : default;
        return ok;
    }

    /// <summary>Sets the type.</summary>
    public void SetType(byte value) => _bytes[0] = value;

    /// <summary>Sets the code.</summary>
    public void SetCode(byte value) => _bytes[1] = value;

    /// <summary>Sets bytes 4 to 7.</summary>
    public void SetRestOfHeader(uint value) => BigEndian.U32(_bytes, Icmpv4View.RestOffset, value);

    /// <summary>Computes and stores the checksum.</summary>
    public void FillChecksum()
    {
        BigEndian.U16(_bytes, Icmpv4View.ChecksumOffset, 0);
        BigEndian.U16(_bytes, Icmpv4View.ChecksumOffset, Checksum.Compute(_bytes));
    }
}

/// <summary>The 8 bytes that ICMP and most ICMPv6 messages begin with, as a plain value.</summary>
/// <param name="Type">Message type.</param>
/// <param name="Code">Code within the type.</param>
/// <param name="RestOfHeader">Bytes 4 to 7.</param>
public readonly record struct IcmpHeader(byte Type, byte Code, uint RestOfHeader)
{
    /// <summary>An echo request or reply of either version.</summary>
    public static IcmpHeader Echo(byte type, ushort identifier, ushort sequence) =>
        new(type, 0, ((uint)identifier << 16) | sequence);

    /// <summary>The value of a checked view.</summary>
    public static IcmpHeader From(Icmpv4View view) => new(view.Type, view.Code, view.RestOfHeader);

    /// <summary>Writes 8 bytes with checksum 0 and returns 8; FillChecksum of the mutable view completes it.</summary>
    public int Emit(Span<byte> bytes)
    {
        BigEndian.U32(bytes, 0, ((uint)Type << 24) | ((uint)Code << 16));
        BigEndian.U32(bytes, Icmpv4View.RestOffset, RestOfHeader);
        return Icmpv4View.HeaderLength;
    }
}
