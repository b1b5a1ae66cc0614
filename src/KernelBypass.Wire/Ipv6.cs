namespace KernelBypass.Wire;

/// <summary>
/// A read-only view of an IPv6 packet (RFC 8200 3), cut to its payload length.
/// <code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------+-----------+---+---------------------------------------+
/// |Version|   DSCP    |ECN|              Flow label               |
/// +-------+-----------+---+-------+---------------+---------------+
/// |        Payload length         |  Next header  |   Hop limit   |
/// +-------------------------------+---------------+---------------+
/// |                  Source address (16 bytes)                    |
/// |                Destination address (16 bytes)                 |
/// +---------------------------------------------------------------+
/// </code>
/// Jumbograms (RFC 2675) are not supported: payload length 0 means that there is no payload.
/// </summary>
public readonly ref struct Ipv6View
{
    /// <summary>Bytes of the fixed header.</summary>
    public const int HeaderLength = 40;

    internal const int PayloadLengthOffset = 4;
    internal const int NextHeaderOffset = 6;
    internal const int HopLimitOffset = 7;
    internal const int SourceOffset = 8;
    internal const int DestinationOffset = 24;

    private readonly ReadOnlySpan<byte> _bytes;

    private Ipv6View(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Differentiated services code point, 6 bits.</summary>
    public byte Dscp => (byte)((BigEndian.U16(_bytes, 0) >> 6) & 0x3F);

    /// <summary>Explicit congestion notification, 2 bits.</summary>
    public byte Ecn => (byte)((_bytes[1] >> 4) & 3);

    /// <summary>Flow label, 20 bits (RFC 6437).</summary>
    public uint FlowLabel => BigEndian.U32(_bytes, 0) & 0xF_FFFF;

    /// <summary>The payload length field, extension headers included, in bytes.</summary>
    public int PayloadLength => BigEndian.U16(_bytes, PayloadLengthOffset);

    /// <summary>Type of the header after this one, see <see cref="IpProtocols"/>.</summary>
    public byte NextHeader => _bytes[NextHeaderOffset];

    /// <summary>Hop limit.</summary>
    public byte HopLimit => _bytes[HopLimitOffset];

    /// <summary>Source address: the 16 bytes as a big-endian integer.</summary>
    public UInt128 Source => BigEndian.U128(_bytes, SourceOffset);

    /// <summary>Destination address: the 16 bytes as a big-endian integer.</summary>
    public UInt128 Destination => BigEndian.U128(_bytes, DestinationOffset);

    /// <summary>What follows the fixed header: extension headers and upper layer.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>Header and payload.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The sum that an upper-layer checksum of <paramref name="length"/> bytes starts from (RFC 8200 8.1).</summary>
    public uint PseudoHeaderSum(byte protocol, int length) => PseudoHeader.Sum(Source, Destination, protocol, length);

    /// <summary>Checks version and payload length once; no accessor fails afterwards.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv6View view) => TryParse(bytes, out view, out _);

    /// <summary>Errors: truncated_ipv6, bad_ipv6_version, ipv6_payload_length.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv6View view, out ParseError error)
    {
        bool ok = TryParseTruncated(bytes, out view, out error);
        if (ok && view._bytes.Length < HeaderLength + view.PayloadLength)
        {
            view = default;
            error = ParseError.Ipv6PayloadLength;
            return false;
        }
        return ok;
    }

    /// <summary>As TryParse, but the payload may be shorter than its length says: packets quoted in ICMPv6 errors.</summary>
    public static bool TryParseTruncated(ReadOnlySpan<byte> bytes, out Ipv6View view, out ParseError error)
    {
        view = default;
        error = bytes.Length < HeaderLength ? ParseError.TruncatedIpv6
            : bytes[0] >> 4 != 6 ? ParseError.BadIpv6Version
            : ParseError.None;
        if (error != ParseError.None)
            return false;
        view = new Ipv6View(bytes[..Math.Min(bytes.Length, HeaderLength + BigEndian.U16(bytes, PayloadLengthOffset))]);
        return true;
    }
}

/// <summary>A view of an IPv6 packet whose fields can be set.</summary>
public readonly ref struct MutableIpv6View
{
    private readonly Span<byte> _bytes;

    private MutableIpv6View(Span<byte> bytes) => _bytes = bytes;

    /// <summary>The same packet, read-only.</summary>
    public Ipv6View View => Ipv6View.TryParseTruncated(_bytes, out Ipv6View view, out _) ? view : default;

    /// <summary>What follows the fixed header.</summary>
    public Span<byte> Payload => _bytes[Ipv6View.HeaderLength..];

    /// <summary>Checks as <see cref="Ipv6View"/> does.</summary>
    public static bool TryParse(Span<byte> bytes, out MutableIpv6View view)
    {
        bool ok = Ipv6View.TryParse(bytes, out Ipv6View read);
        view = ok ? new MutableIpv6View(bytes[..read.Bytes.Length]) : default;
        return ok;
    }

    /// <summary>Sets DSCP, 6 bits.</summary>
    public void SetDscp(byte value) =>
        BigEndian.U16(_bytes, 0, (ushort)((BigEndian.U16(_bytes, 0) & 0xF03F) | ((value & 0x3F) << 6)));

    /// <summary>Sets ECN, 2 bits.</summary>
    public void SetEcn(byte value) => _bytes[1] = (byte)((_bytes[1] & 0xCF) | ((value & 3) << 4));

    /// <summary>Sets the flow label, 20 bits.</summary>
    public void SetFlowLabel(uint value) =>
        BigEndian.U32(_bytes, 0, (BigEndian.U32(_bytes, 0) & 0xFFF0_0000) | (value & 0xF_FFFF));

    /// <summary>Sets the hop limit.</summary>
    public void SetHopLimit(byte value) => _bytes[Ipv6View.HopLimitOffset] = value;

    /// <summary>Sets the source address.</summary>
    public void SetSource(UInt128 value) => BigEndian.U128(_bytes, Ipv6View.SourceOffset, value);

    /// <summary>Sets the destination address.</summary>
    public void SetDestination(UInt128 value) => BigEndian.U128(_bytes, Ipv6View.DestinationOffset, value);
}

/// <summary>An IPv6 fixed header as a plain value; addresses as big-endian integers.</summary>
public readonly record struct Ipv6Header()
{
    /// <summary>Source address.</summary>
    public UInt128 Source { get; init; }

    /// <summary>Destination address.</summary>
    public UInt128 Destination { get; init; }

    /// <summary>Type of the header that follows.</summary>
    public byte NextHeader { get; init; }

    /// <summary>Hop limit, 64 unless set.</summary>
    public byte HopLimit { get; init; } = 64;

    /// <summary>Differentiated services code point, 6 bits.</summary>
    public byte Dscp { get; init; }

    /// <summary>Explicit congestion notification, 2 bits.</summary>
    public byte Ecn { get; init; }

    /// <summary>Flow label, 20 bits.</summary>
    public uint FlowLabel { get; init; }

    /// <summary>The value of a checked view.</summary>
    public static Ipv6Header From(Ipv6View view) => new()
    {
        Source = view.Source,
        Destination = view.Destination,
        NextHeader = view.NextHeader,
        HopLimit = view.HopLimit,
        Dscp = view.Dscp,
        Ecn = view.Ecn,
        FlowLabel = view.FlowLabel,
    };

    /// <summary>
    /// Writes <see cref="Ipv6View.HeaderLength"/> bytes and returns that number. The payload length counts extension headers;
    /// over 65,535 it throws <see cref="ArgumentException"/>.
    /// </summary>
    public int Emit(Span<byte> bytes, int payloadLength)
    {
        if ((uint)payloadLength > ushort.MaxValue)
            throw new ArgumentException($"{payloadLength} payload bytes do not fit an IPv6 packet");
        int trafficClass = ((Dscp & 0x3F) << 2) | (Ecn & 3);
        BigEndian.U32(bytes, 0, 0x6000_0000 | ((uint)trafficClass << 20) | (FlowLabel & 0xF_FFFF));
        BigEndian.U16(bytes, Ipv6View.PayloadLengthOffset, (ushort)payloadLength);
        bytes[Ipv6View.NextHeaderOffset] = NextHeader;
        bytes[Ipv6View.HopLimitOffset] = HopLimit;
        BigEndian.U128(bytes, Ipv6View.SourceOffset, Source);
        BigEndian.U128(bytes, Ipv6View.DestinationOffset, Destination);
        return Ipv6View.HeaderLength;
    }
}
