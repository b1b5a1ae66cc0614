namespace KernelBypass.Wire;

/// <summary>
/// Walks IPv6 extension headers (RFC 8200 4), at most <see cref="Ipv6Extensions.MaxHeaders"/> of them.
/// <code>
///  hop-by-hop, routing, destination options         fragment (always 8 bytes)
///  +------+-----+-----------------------------+     +------+-----+------------------+-+-+
///  | next | len | (len + 1) * 8 bytes in all  |     | next |  0  | offset / 8 (13)  |0|M|
///  +------+-----+-----------------------------+     +------+-----+------------------+-+-+
///  authentication (RFC 4302): (len + 2) * 4 bytes   |          identification           |
///                                                   +-----------------------------------+
/// </code>
/// The walk stops, without an error, at an upper-layer protocol, at ESP, and after a fragment header whose offset is not 0:
/// what follows that is not a header.
/// </summary>
public ref struct Ipv6ExtensionIterator
{
    private readonly ReadOnlySpan<byte> _payload;
    private int _count;
    private bool _stopped;

    /// <summary>Starts after the fixed header of <paramref name="packet"/>.</summary>
    public Ipv6ExtensionIterator(Ipv6View packet)
    {
        _payload = packet.Payload;
        Protocol = packet.NextHeader;
    }

    /// <summary>Type of the current extension header.</summary>
    public byte Type { get; private set; }

    /// <summary>The current extension header, whole.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Type of what follows the current header; after the walk, the upper-layer protocol.</summary>
    public byte Protocol { get; private set; }

    /// <summary>Where that begins, in bytes from the end of the fixed header.</summary>
    public int Offset { get; private set; }

    /// <summary>Why the walk ended early, or <see cref="ParseError.None"/>.</summary>
    public ParseError Error { get; private set; }

    /// <summary>Steps to the next extension header; false when there is no further one or at an error.</summary>
    public bool MoveNext()
    {
        if (_stopped || Error != ParseError.None || !Ipv6Extensions.IsExtension(Protocol))
            return false;
        ReadOnlySpan<byte> rest = _payload[Offset..];
        int length = rest.Length < 8 ? int.MaxValue : Ipv6Extensions.Length(Protocol, rest[1]);
        Error = _count == Ipv6Extensions.MaxHeaders ? ParseError.TooManyIpv6Extensions
            : Protocol == IpProtocols.HopByHop && _count > 0 ? ParseError.Ipv6ExtensionOrder
            : length > rest.Length ? ParseError.TruncatedIpv6Extension
            : ParseError.None;
        if (Error != ParseError.None)
            return false;
        Type = Protocol;
        Bytes = rest[..length];
        Protocol = rest[0];
        Offset += length;
        _count++;
        _stopped = Type == IpProtocols.Fragment && (BigEndian.U16(Bytes, 2) & 0xFFF8) != 0;
        return true;
    }
}

/// <summary>What a walk over the extension headers found.</summary>
public readonly record struct Ipv6Extensions
{
    /// <summary>Most extension headers in one packet; one with more is malformed.</summary>
    public const int MaxHeaders = 8;

    /// <summary>Upper-layer protocol; in a later fragment, that of the original datagram.</summary>
    public byte Protocol { get; private init; }

    /// <summary>Where the upper layer begins, in bytes from the start of the IPv6 header.</summary>
    public int PayloadOffset { get; private init; }

    /// <summary>Number of extension headers.</summary>
    public int Count { get; private init; }

    /// <summary>True when there is a fragment header, even an atomic one (RFC 6946).</summary>
    public bool HasFragmentHeader { get; private init; }

    /// <summary>Offset of this fragment in the original payload, in bytes.</summary>
    public int FragmentOffset { get; private init; }

    /// <summary>More-fragments bit.</summary>
    public bool MoreFragments { get; private init; }

    /// <summary>Identification of the datagram's fragments.</summary>
    public uint FragmentId { get; private init; }

    /// <summary>True when there is a piece of a datagram here and not the whole of it.</summary>
    public bool IsFragment => FragmentOffset != 0 || MoreFragments;

    /// <summary>Hop-by-hop, routing, fragment, destination options and authentication headers.</summary>
    public static bool IsExtension(byte nextHeader) => nextHeader is IpProtocols.HopByHop or IpProtocols.Routing
        or IpProtocols.Fragment or IpProtocols.Authentication or IpProtocols.DestinationOptions;

    /// <summary>
    /// Walks all of a packet's extension headers. Errors: truncated_ipv6_extension, too_many_ipv6_extensions,
    /// ipv6_extension_order.
    /// </summary>
    public static bool TryWalk(Ipv6View packet, out Ipv6Extensions extensions, out ParseError error)
    {
        var iterator = new Ipv6ExtensionIterator(packet);
        int count = 0, fragmentField = 0;
        uint fragmentId = 0;
        bool hasFragment = false;
        while (iterator.MoveNext())
        {
            count++;
            if (iterator.Type != IpProtocols.Fragment)
                continue;
            hasFragment = true;
            fragmentField = BigEndian.U16(iterator.Bytes, 2);
            fragmentId = BigEndian.U32(iterator.Bytes, 4);
        }
        error = iterator.Error;
        extensions = error != ParseError.None ? default : new Ipv6Extensions
        {
            Protocol = iterator.Protocol,
            PayloadOffset = Ipv6View.HeaderLength + iterator.Offset,
            Count = count,
            HasFragmentHeader = hasFragment,
            FragmentOffset = fragmentField & 0xFFF8,
            MoreFragments = (fragmentField & 1) != 0,
            FragmentId = fragmentId,
        };
        return error == ParseError.None;
    }

    internal static int Length(byte type, byte lengthField) => type switch
    {
        IpProtocols.Fragment => 8,
        IpProtocols.Authentication => (lengthField + 2) * 4,
        _ => (lengthField + 1) * 8,
    };
}

/// <summary>Walks the options of a hop-by-hop or destination options header (RFC 8200 4.2): type, data length, data.</summary>
public ref struct Ipv6OptionIterator
{
    private const byte Pad1 = 0;
    private const byte PadN = 1;

    private ReadOnlySpan<byte> _rest;

    /// <summary>Starts in a whole extension header, as <see cref="Ipv6ExtensionIterator.Bytes"/> gives it.</summary>
    public Ipv6OptionIterator(ReadOnlySpan<byte> extensionHeader) =>
        _rest = extensionHeader.Length > 2 ? extensionHeader[2..] : default;

    /// <summary>The current option's type, with the bits that say what to do when it is not known.</summary>
    public byte Type { get; private set; }

    /// <summary>The current option's data.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }

    /// <summary><see cref="ParseError.BadIpv6Option"/> when the walk stopped at a malformed option.</summary>
    public ParseError Error { get; private set; }

    /// <summary>Steps to the next option other than padding; false at the end or at an error.</summary>
    public bool MoveNext()
    {
        while (!_rest.IsEmpty)
        {
            if (_rest[0] == Pad1)
            {
                _rest = _rest[1..];
                continue;
            }
            if (_rest.Length < 2 || _rest[1] > _rest.Length - 2)
            {
                Error = ParseError.BadIpv6Option;
                _rest = default;
                return false;
            }
            Type = _rest[0];
            Data = _rest.Slice(2, _rest[1]);
            _rest = _rest[(2 + _rest[1])..];
            if (Type != PadN)
                return true;
        }
        return false;
    }
}
