namespace KernelBypass.Wire;

/// <summary>
/// A read-only view of a UDP datagram (RFC 768), cut to its length field.
/// <code>
///  0             2                4        6          8
///  +-------------+----------------+--------+----------+---------
///  | source port |destination port| length | checksum | payload
///  +-------------+----------------+--------+----------+---------
/// </code>
/// </summary>
public readonly ref struct UdpView
{
    /// <summary>Bytes of the header.</summary>
    public const int HeaderLength = 8;

    internal const int DestinationPortOffset = 2;
    internal const int LengthOffset = 4;
    internal const int ChecksumOffset = 6;

    private readonly ReadOnlySpan<byte> _bytes;

    private UdpView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Source port.</summary>
    public ushort SourcePort => BigEndian.U16(_bytes, 0);

    /// <summary>Destination port.</summary>
    public ushort DestinationPort => BigEndian.U16(_bytes, DestinationPortOffset);

    /// <summary>The length field: header and payload, in bytes.</summary>
    public int Length => BigEndian.U16(_bytes, LengthOffset);

    /// <summary>The checksum field; 0 when the sender computed none.</summary>
    public ushort Checksum => BigEndian.U16(_bytes, ChecksumOffset);

    /// <summary>What the datagram carries.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>Header and payload.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>
    /// True when the checksum is right. An absent one is right over IPv4 (<paramref name="allowAbsent"/>); over IPv6 it is not
    /// (RFC 8200 8.1).
    /// </summary>
    public bool IsChecksumValid(uint pseudoHeaderSum, bool allowAbsent) =>
        Checksum == 0 ? allowAbsent : Wire.Checksum.IsValid(_bytes, pseudoHeaderSum);

    /// <summary>Checks the length once; no accessor fails afterwards. The checksum is not checked.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out UdpView view) => TryParse(bytes, out view, out _);

    /// <summary>Errors: truncated_udp, udp_length.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out UdpView view, out ParseError error)
    {
        bool ok = TryParseTruncated(bytes, out view, out error);
        if (ok && view.Length > bytes.Length)
        {
            view = default;
            error = ParseError.UdpLength;
            return false;
        }
        return ok;
    }

    /// <summary>
    /// As <see cref="TryParse(ReadOnlySpan{byte}, out UdpView, out ParseError)"/>, but the payload may be shorter than the length
    /// field says: first fragments, whose length is that of the whole datagram, and quotations in ICMP errors.
    /// </summary>
    public static bool TryParseTruncated(ReadOnlySpan<byte> bytes, out UdpView view, out ParseError error)
    {
        view = default;
        error = ParseError.TruncatedUdp;
        if (bytes.Length < HeaderLength)
            return false;
        int length = BigEndian.U16(bytes, LengthOffset);
        error = length < HeaderLength ? ParseError.UdpLength : ParseError.None;
        if (error != ParseError.None)
            return false;
        view = new UdpView(bytes[..Math.Min(length, bytes.Length)]);
        return true;
    }
}

/// <summary>A view of a UDP datagram whose fields can be set. Only <see cref="FillChecksum"/> touches the checksum.</summary>
public readonly ref struct MutableUdpView
{
    private readonly Span<byte> _bytes;

    private MutableUdpView(Span<byte> bytes) => _bytes = bytes;

    /// <summary>What the datagram carries.</summary>
    public Span<byte> Payload => _bytes[UdpView.HeaderLength..];

    /// <summary>Checks as <see cref="UdpView"/> does.</summary>
    public static bool TryParse(Span<byte> bytes, out MutableUdpView view)
    {
        bool ok = UdpView.TryParse(bytes, out UdpView read);
        view = ok ? new MutableUdpView(bytes[..read.Bytes.Length]) : default;
        return ok;
    }

    /// <summary>Sets the source port.</summary>
    public void SetSourcePort(ushort value) => BigEndian.U16(_bytes, 0, value);

    /// <summary>Sets the destination port.</summary>
    public void SetDestinationPort(ushort value) => BigEndian.U16(_bytes, UdpView.DestinationPortOffset, value);

    /// <summary>Sets the checksum field.</summary>
    public void SetChecksum(ushort value) => BigEndian.U16(_bytes, UdpView.ChecksumOffset, value);

    /// <summary>Computes and stores the checksum; a computed 0 becomes 0xFFFF.</summary>
    public void FillChecksum(uint pseudoHeaderSum)
    {
        SetChecksum(0);
        SetChecksum(IncrementalChecksum.NonZero(Checksum.Compute(_bytes, pseudoHeaderSum)));
    }
}

/// <summary>A UDP header as a plain value.</summary>
/// <param name="SourcePort">Source port.</param>
/// <param name="DestinationPort">Destination port.</param>
public readonly record struct UdpHeader(ushort SourcePort, ushort DestinationPort)
{
    /// <summary>The value of a checked view.</summary>
    public static UdpHeader From(UdpView view) => new(view.SourcePort, view.DestinationPort);

    /// <summary>
    /// Writes 8 bytes with checksum 0, for <see cref="MutableUdpView.FillChecksum"/> to complete, and returns 8. Throws
    /// <see cref="ArgumentException"/> for a payload over 65,527 bytes.
    /// </summary>
    public int Emit(Span<byte> bytes, int payloadLength)
    {
        if ((uint)payloadLength > ushort.MaxValue - UdpView.HeaderLength)
            throw new ArgumentException($"{payloadLength} payload bytes do not fit a UDP datagram");
        BigEndian.U16(bytes, 0, SourcePort);
        BigEndian.U16(bytes, UdpView.DestinationPortOffset, DestinationPort);
        BigEndian.U16(bytes, UdpView.LengthOffset, (ushort)(payloadLength + UdpView.HeaderLength));
        BigEndian.U16(bytes, UdpView.ChecksumOffset, 0);
        return UdpView.HeaderLength;
    }
}
