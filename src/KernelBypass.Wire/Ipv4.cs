using System.Runtime.CompilerServices;

namespace KernelBypass.Wire;

/// <summary>
/// A read-only view of an IPv4 packet (RFC 791 3.1), cut to its total length, so that Ethernet padding is not payload.
/// <code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-------+-------+-----------+---+-------------------------------+
/// |Version|  IHL  |   DSCP    |ECN|         Total length          |
/// +-------+-------+-----------+---+-----+-------------------------+
/// |        Identification         |0|D|M|    Fragment offset / 8  |
/// +---------------+---------------+-------------------------------+
/// |      TTL      |   Protocol    |        Header checksum        |
/// +---------------+---------------+-------------------------------+
/// |                        Source address                         |
/// |                      Destination address                      |
/// |                 Options (IHL - 5 words), padded               |
/// +---------------------------------------------------------------+
/// </code>
/// </summary>
public readonly ref struct Ipv4View
{
    /// <summary>Bytes of a header without options.</summary>
    public const int MinHeaderLength = 20;

    /// <summary>Bytes of the longest header (IHL 15).</summary>
    public const int MaxHeaderLength = 60;

    internal const int TosOffset = 1;
    internal const int TotalLengthOffset = 2;
    internal const int IdOffset = 4;
    internal const int FragmentOffsetOffset = 6;
    internal const int TtlOffset = 8;
    internal const int ProtocolOffset = 9;
    internal const int ChecksumOffset = 10;
    internal const int SourceOffset = 12;
    internal const int DestinationOffset = 16;
    internal const ushort DontFragmentBit = 0x4000;
    internal const ushort MoreFragmentsBit = 0x2000;
    internal const ushort FragmentOffsetMask = 0x1FFF;

    private readonly ReadOnlySpan<byte> _bytes;

    private Ipv4View(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Header length in bytes, 20 to 60.</summary>
    public int HeaderLength => (_bytes[0] & 0xF) * 4;

    /// <summary>Differentiated services code point, 6 bits (RFC 2474).</summary>
    public byte Dscp => (byte)(_bytes[TosOffset] >> 2);

    /// <summary>Explicit congestion notification, 2 bits (RFC 3168 5).</summary>
    public byte Ecn => (byte)(_bytes[TosOffset] & 3);

    /// <summary>The total length field, in bytes.</summary>
    public int TotalLength => BigEndian.U16(_bytes, TotalLengthOffset);

    /// <summary>Identification of the datagram's fragments.</summary>
    public ushort Identification => BigEndian.U16(_bytes, IdOffset);

    /// <summary>Don't-fragment bit.</summary>
    public bool DontFragment => (BigEndian.U16(_bytes, FragmentOffsetOffset) & DontFragmentBit) != 0;

    /// <summary>More-fragments bit.</summary>
    public bool MoreFragments => (BigEndian.U16(_bytes, FragmentOffsetOffset) & MoreFragmentsBit) != 0;

    /// <summary>Offset of this fragment in the datagram, in bytes.</summary>
    public int FragmentOffset => (BigEndian.U16(_bytes, FragmentOffsetOffset) & FragmentOffsetMask) * 8;

    /// <summary>True for every piece of a fragmented datagram, the first and the last included.</summary>
    public bool IsFragment => (BigEndian.U16(_bytes, FragmentOffsetOffset) & (MoreFragmentsBit | FragmentOffsetMask)) != 0;

    /// <summary>Time to live.</summary>
    public byte Ttl => _bytes[TtlOffset];

    /// <summary>Protocol of the payload, see <see cref="IpProtocols"/>.</summary>
    public byte Protocol => _bytes[ProtocolOffset];

    /// <summary>The header checksum field.</summary>
    public ushort Checksum => BigEndian.U16(_bytes, ChecksumOffset);

    /// <summary>Source address, host order.</summary>
    public uint Source => BigEndian.U32(_bytes, SourceOffset);

    /// <summary>Destination address, host order.</summary>
    public uint Destination => BigEndian.U32(_bytes, DestinationOffset);

    /// <summary>True when the header's checksum is right.</summary>
    public bool IsChecksumValid => Wire.Checksum.IsValid(_bytes[..HeaderLength]);

    /// <summary>The option bytes, padding included.</summary>
    public ReadOnlySpan<byte> OptionBytes => _bytes[MinHeaderLength..HeaderLength];

    /// <summary>Walks the options.</summary>
    public Ipv4OptionIterator Options => new(OptionBytes);

    /// <summary>What the packet carries.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>Header and payload.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The sum that the payload's checksum starts from, for the payload as long as it is here.</summary>
    public uint PseudoHeaderSum => PseudoHeader.Sum(Source, Destination, Protocol, _bytes.Length - HeaderLength);

    /// <summary>Checks version, IHL and total length once; no accessor fails afterwards. The checksum is not checked.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv4View view) => TryParse(bytes, out view, out _);

    /// <summary>Errors: truncated_ipv4, bad_ipv4_version, bad_ihl, ip_total_length.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out Ipv4View view, out ParseError error)
    {
        error = Check(bytes, out int totalLength);
        bool ok = error == ParseError.None;
        if (ok && totalLength > bytes.Length)
        {
            error = ParseError.IpTotalLength;
            ok = false;
        }
        view = ok ? new Ipv4View(bytes[..totalLength]) : default;
        return ok;
    }

    /// <summary>
    /// As <see cref="TryParse(ReadOnlySpan{byte}, out Ipv4View, out ParseError)"/>, but the payload may be shorter than total
    /// length says: packets quoted in ICMP errors (RFC 792) and captures cut at a snap length.
    /// </summary>
    public static bool TryParseTruncated(ReadOnlySpan<byte> bytes, out Ipv4View view, out ParseError error)
    {
        error = Check(bytes, out int totalLength);
        view = error == ParseError.None ? new Ipv4View(bytes[..Math.Min(totalLength, bytes.Length)]) : default;
        return error == ParseError.None;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ParseError Check(ReadOnlySpan<byte> bytes, out int totalLength)
    {
        totalLength = 0;
        if (bytes.Length < MinHeaderLength)
            return ParseError.TruncatedIpv4;
        if (bytes[0] >> 4 != 4)
            return ParseError.BadIpv4Version;
        int headerLength = (bytes[0] & 0xF) * 4;
        if (headerLength < MinHeaderLength)
            return ParseError.BadIhl;
        if (headerLength > bytes.Length)
            return ParseError.TruncatedIpv4;
        totalLength = BigEndian.U16(bytes, TotalLengthOffset);
        return totalLength < headerLength ? ParseError.IpTotalLength : ParseError.None;
    }
}

/// <summary>A view of an IPv4 packet whose fields can be set. Only <see cref="FillChecksum"/> touches the checksum.</summary>
public readonly ref struct MutableIpv4View
{
    private readonly Span<byte> _bytes;

    private MutableIpv4View(Span<byte> bytes) => _bytes = bytes;

    /// <summary>The same packet, read-only.</summary>
    public Ipv4View View => Ipv4View.TryParseTruncated(_bytes, out Ipv4View view, out _) ? view : default;

    /// <summary>What the packet carries.</summary>
    public Span<byte> Payload => _bytes[((_bytes[0] & 0xF) * 4)..];

    /// <summary>Checks as <see cref="Ipv4View"/> does.</summary>
    public static bool TryParse(Span<byte> bytes, out MutableIpv4View view)
    {
        bool ok = Ipv4View.TryParse(bytes, out Ipv4View read);
        view = ok ? new MutableIpv4View(bytes[..read.Bytes.Length]) : default;
        return ok;
    }

    /// <summary>Sets DSCP, 6 bits.</summary>
    public void SetDscp(byte value) => _bytes[Ipv4View.TosOffset] = (byte)((value << 2) | (_bytes[Ipv4View.TosOffset] & 3));

    /// <summary>Sets ECN, 2 bits.</summary>
    public void SetEcn(byte value) =>
        _bytes[Ipv4View.TosOffset] = (byte)((_bytes[Ipv4View.TosOffset] & 0xFC) | (value & 3));

    /// <summary>Sets the identification.</summary>
    public void SetIdentification(ushort value) => BigEndian.U16(_bytes, Ipv4View.IdOffset, value);

    /// <summary>Sets the time to live.</summary>
    public void SetTtl(byte value) => _bytes[Ipv4View.TtlOffset] = value;

    /// <summary>Sets the source address, host order.</summary>
    public void SetSource(uint value) => BigEndian.U32(_bytes, Ipv4View.SourceOffset, value);

    /// <summary>Sets the destination address, host order.</summary>
    public void SetDestination(uint value) => BigEndian.U32(_bytes, Ipv4View.DestinationOffset, value);

    /// <summary>Sets the checksum field.</summary>
    public void SetChecksum(ushort value) => BigEndian.U16(_bytes, Ipv4View.ChecksumOffset, value);

    /// <summary>Computes and stores the header checksum.</summary>
    public void FillChecksum()
    {
        SetChecksum(0);
        SetChecksum(Checksum.Compute(_bytes[..((_bytes[0] & 0xF) * 4)]));
    }
}

/// <summary>An IPv4 header without options as a plain value; addresses in host order.</summary>
public readonly record struct Ipv4Header()
{
    /// <summary>Source address.</summary>
    public uint Source { get; init; }

    /// <summary>Destination address.</summary>
    public uint Destination { get; init; }

    /// <summary>Protocol of the payload.</summary>
    public byte Protocol { get; init; }

    /// <summary>Time to live, 64 unless set.</summary>
    public byte Ttl { get; init; } = 64;

    /// <summary>Differentiated services code point, 6 bits.</summary>
    public byte Dscp { get; init; }

    /// <summary>Explicit congestion notification, 2 bits.</summary>
    public byte Ecn { get; init; }

    /// <summary>Identification.</summary>
    public ushort Identification { get; init; }

    /// <summary>Don't-fragment bit.</summary>
    public bool DontFragment { get; init; }

    /// <summary>More-fragments bit.</summary>
    public bool MoreFragments { get; init; }

    /// <summary>Offset of the fragment in bytes, a multiple of 8 up to 65,528.</summary>
    public int FragmentOffset { get; init; }

    /// <summary>The value of a checked view.</summary>
    public static Ipv4Header From(Ipv4View view) => new()
    {
        Source = view.Source,
        Destination = view.Destination,
        Protocol = view.Protocol,
        Ttl = view.Ttl,
        Dscp = view.Dscp,
        Ecn = view.Ecn,
        Identification = view.Identification,
        DontFragment = view.DontFragment,
        MoreFragments = view.MoreFragments,
        FragmentOffset = view.FragmentOffset,
    };

    /// <summary>
    /// Writes header, options and checksum, and returns the header's length. Options are padded with zeros to a multiple of 4.
    /// Throws <see cref="ArgumentException"/> for over 40 option bytes or a packet over 65,535.
    /// </summary>
    public int Emit(Span<byte> bytes, int payloadLength, ReadOnlySpan<byte> options = default)
    {
        int headerLength = Ipv4View.MinHeaderLength + ((options.Length + 3) & ~3);
        int totalLength = headerLength + payloadLength;
        if (headerLength > Ipv4View.MaxHeaderLength || totalLength > ushort.MaxValue)
            throw new ArgumentException(
                $"{options.Length} option bytes and {payloadLength} payload bytes do not fit an IPv4 packet");
        bytes[Ipv4View.MinHeaderLength..headerLength].Clear();
        options.CopyTo(bytes[Ipv4View.MinHeaderLength..]);
        bytes[0] = (byte)(0x40 | (headerLength / 4));
        bytes[Ipv4View.TosOffset] = (byte)((Dscp << 2) | (Ecn & 3));
        BigEndian.U16(bytes, Ipv4View.TotalLengthOffset, (ushort)totalLength);
        BigEndian.U16(bytes, Ipv4View.IdOffset, Identification);
        int flags = (DontFragment ? Ipv4View.DontFragmentBit : 0) | (MoreFragments ? Ipv4View.MoreFragmentsBit : 0);
        flags |= (FragmentOffset / 8) & Ipv4View.FragmentOffsetMask;
        BigEndian.U16(bytes, Ipv4View.FragmentOffsetOffset, (ushort)flags);
        bytes[Ipv4View.TtlOffset] = Ttl;
        bytes[Ipv4View.ProtocolOffset] = Protocol;
        BigEndian.U16(bytes, Ipv4View.ChecksumOffset, 0);
        BigEndian.U32(bytes, Ipv4View.SourceOffset, Source);
        BigEndian.U32(bytes, Ipv4View.DestinationOffset, Destination);
        BigEndian.U16(bytes, Ipv4View.ChecksumOffset, Checksum.Compute(bytes[..headerLength]));
        return headerLength;
    }
}
