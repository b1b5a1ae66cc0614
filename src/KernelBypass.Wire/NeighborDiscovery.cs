namespace KernelBypass.Wire;

/// <summary>Neighbour discovery option types (RFC 4861 4.6).</summary>
public enum NdOptionType : byte
{
    /// <summary>Link-layer address of the sender.</summary>
    SourceLinkLayerAddress = 1,

    /// <summary>Link-layer address of the target.</summary>
    TargetLinkLayerAddress = 2,

    /// <summary>Prefix for on-link determination and address configuration.</summary>
    PrefixInformation = 3,

    /// <summary>The packet that is redirected.</summary>
    RedirectedHeader = 4,

    /// <summary>MTU of the link.</summary>
    Mtu = 5,
}

/// <summary>
/// Walks neighbour discovery options: type, length in units of 8 bytes, data. A length of 0 is an error (RFC 4861 4.6), and so is
/// a known type of the wrong length, so that the typed accessors never fail for the type that they name.
/// </summary>
public ref struct NdOptionIterator
{
    private ReadOnlySpan<byte> _rest;

    /// <summary>Starts at the first option.</summary>
    public NdOptionIterator(ReadOnlySpan<byte> options) => _rest = options;

    /// <summary>Type of the current option.</summary>
    public NdOptionType Type { get; private set; }

    /// <summary>The current option's bytes after type and length.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary><see cref="ParseError.BadNdOption"/> when the walk stopped at a malformed option.</summary>
    public ParseError Error { get; private set; }

    /// <summary>The address of a source or target link-layer address option, else zero.</summary>
    public readonly MacAddress LinkLayerAddress =>
        Type is NdOptionType.SourceLinkLayerAddress or NdOptionType.TargetLinkLayerAddress ? MacAddress.Read(Data) : default;

    /// <summary>The MTU of an MTU option in bytes, else 0.</summary>
    public readonly uint Mtu => Type == NdOptionType.Mtu ? BigEndian.U32(Data, 2) : 0;

    /// <summary>The prefix of a prefix information option, else the default value.</summary>
    public readonly NdPrefix Prefix => Type != NdOptionType.PrefixInformation ? default : new NdPrefix
    {
        Length = Data[0],
        OnLink = (Data[1] & 0x80) != 0,
        Autonomous = (Data[1] & 0x40) != 0,
        ValidLifetimeSeconds = BigEndian.U32(Data, 2),
        PreferredLifetimeSeconds = BigEndian.U32(Data, 6),
        Prefix = BigEndian.U128(Data, 14),
    };

    /// <summary>Steps to the next option; false at the end or at an error.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
            return false;
        int length = _rest.Length < 8 ? 0 : _rest[1] * 8;
        if (length == 0 || length > _rest.Length || !IsLengthValid((NdOptionType)_rest[0], length))
        {
            Error = ParseError.BadNdOption;
            _rest = default;
            return false;
        }
        Type = (NdOptionType)_rest[0];
        Data = _rest[2..length];
        _rest = _rest[length..];
        return true;
    }

    private static bool IsLengthValid(NdOptionType type, int length) => type switch
    {
        NdOptionType.Mtu => length == 8,
        NdOptionType.PrefixInformation => length == 32,
        _ => true,
    };
}

/// <summary>A prefix information option (RFC 4861 4.6.2).</summary>
public readonly record struct NdPrefix
{
    /// <summary>Leading bits of <see cref="Prefix"/> that count.</summary>
    public byte Length { get; init; }

    /// <summary>L: the prefix is on this link.</summary>
    public bool OnLink { get; init; }

    /// <summary>A: the prefix serves for address autoconfiguration.</summary>
    public bool Autonomous { get; init; }

    /// <summary>Valid lifetime in seconds; all ones is for ever.</summary>
    public uint ValidLifetimeSeconds { get; init; }

    /// <summary>Preferred lifetime in seconds; all ones is for ever.</summary>
    public uint PreferredLifetimeSeconds { get; init; }

    /// <summary>The prefix as a big-endian integer.</summary>
    public UInt128 Prefix { get; init; }
}

/// <summary>
/// A read-only view of a neighbour solicitation or advertisement (RFC 4861 4.3, 4.4), an ICMPv6 message.
/// <code>
///  0                4                   8                  24
///  +----------------+-------------------+------------------+--------
///  | ICMPv6 header  |R|S|O|  reserved   | target (16 bytes)| options
///  +----------------+-------------------+------------------+--------
/// </code>
/// </summary>
public readonly ref struct NeighborMessageView
{
    /// <summary>Bytes before the options.</summary>
    public const int HeaderLength = 24;

    private readonly ReadOnlySpan<byte> _bytes;

    private NeighborMessageView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>True for an advertisement, false for a solicitation.</summary>
    public bool IsAdvertisement => _bytes[0] == Icmpv6Types.NeighborAdvertisement;

    /// <summary>R: the sender is a router (advertisement).</summary>
    public bool IsRouter => (_bytes[4] & 0x80) != 0;

    /// <summary>S: the answer to a solicitation (advertisement).</summary>
    public bool IsSolicited => (_bytes[4] & 0x40) != 0;

    /// <summary>O: replace a cached address (advertisement).</summary>
    public bool IsOverride => (_bytes[4] & 0x20) != 0;

    /// <summary>The address asked for or told.</summary>
    public UInt128 Target => BigEndian.U128(_bytes, 8);

    /// <summary>Walks the options.</summary>
    public NdOptionIterator Options => new(_bytes[HeaderLength..]);

    /// <summary>
    /// Errors: truncated_icmpv6, unexpected_icmpv6_type. Hop limit 255, code 0 and a valid checksum (RFC 4861 7.1) are for the
    /// caller to check; options by their iterator.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out NeighborMessageView view, out ParseError error)
    {
        view = default;
        error = message.Length < HeaderLength ? ParseError.TruncatedIcmpv6
            : message[0] is not (Icmpv6Types.NeighborSolicitation or Icmpv6Types.NeighborAdvertisement)
                ? ParseError.UnexpectedIcmpv6Type
            : ParseError.None;
        if (error != ParseError.None)
            return false;
        view = new NeighborMessageView(message);
        return true;
    }
}

/// <summary>
/// A read-only view of a router advertisement (RFC 4861 4.2), an ICMPv6 message.
/// <code>
///  0                4           5              6                 8              12             16
///  +----------------+-----------+--------------+-----------------+--------------+--------------+--------
///  | ICMPv6 header  | hop limit | M|O|reserved | lifetime (s)    |reachable (ms)|retrans (ms)  | options
///  +----------------+-----------+--------------+-----------------+--------------+--------------+--------
/// </code>
/// </summary>
public readonly ref struct RouterAdvertisementView
{
    /// <summary>Bytes before the options.</summary>
    public const int HeaderLength = 16;

    private readonly ReadOnlySpan<byte> _bytes;

    private RouterAdvertisementView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Hop limit that hosts should use; 0 leaves it open.</summary>
    public byte CurrentHopLimit => _bytes[4];

    /// <summary>M: addresses by DHCPv6.</summary>
    public bool IsManaged => (_bytes[5] & 0x80) != 0;

    /// <summary>O: other configuration by DHCPv6.</summary>
    public bool HasOtherConfiguration => (_bytes[5] & 0x40) != 0;

    /// <summary>Lifetime as a default router in seconds; 0: not one.</summary>
    public ushort RouterLifetimeSeconds => BigEndian.U16(_bytes, 6);

    /// <summary>Reachable time in milliseconds; 0 leaves it open.</summary>
    public uint ReachableTimeMs => BigEndian.U32(_bytes, 8);

    /// <summary>Retransmission timer in milliseconds; 0 leaves it open.</summary>
    public uint RetransmitTimerMs => BigEndian.U32(_bytes, 12);

    /// <summary>Walks the options.</summary>
    public NdOptionIterator Options => new(_bytes[HeaderLength..]);

    /// <summary>Errors: truncated_icmpv6, unexpected_icmpv6_type.</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out RouterAdvertisementView view, out ParseError error)
    {
        view = default;
        error = message.Length < HeaderLength ? ParseError.TruncatedIcmpv6
            : message[0] != Icmpv6Types.RouterAdvertisement ? ParseError.UnexpectedIcmpv6Type
            : ParseError.None;
        if (error != ParseError.None)
            return false;
        view = new RouterAdvertisementView(message);
        return true;
    }
}

/// <summary>A read-only view of a router solicitation (RFC 4861 4.1): ICMPv6 header, 4 reserved bytes, options.</summary>
public readonly ref struct RouterSolicitationView
{
    /// <summary>Bytes before the options.</summary>
    public const int HeaderLength = 8;

    private readonly ReadOnlySpan<byte> _bytes;

    private RouterSolicitationView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Walks the options.</summary>
    public NdOptionIterator Options => new(_bytes[HeaderLength..]);

    /// <summary>Errors: truncated_icmpv6, unexpected_icmpv6_type.</summary>
    public static bool TryParse(ReadOnlySpan<byte> message, out RouterSolicitationView view, out ParseError error)
    {
        view = default;
        error = message.Length < HeaderLength ? ParseError.TruncatedIcmpv6
            : message[0] != Icmpv6Types.RouterSolicitation ? ParseError.UnexpectedIcmpv6Type
            : ParseError.None;
        if (error != ParseError.None)
            return false;
        view = new RouterSolicitationView(message);
        return true;
    }
}
