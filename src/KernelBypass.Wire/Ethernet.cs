using System.Runtime.CompilerServices;

namespace KernelBypass.Wire;

/// <summary>
/// A read-only view of an Ethernet II frame, without FCS.
/// <code>
///  0           6           12      14
///  +-----------+-----------+-------+---------
///  |destination|  source   | type  | payload
///  +-----------+-----------+-------+---------
/// </code>
/// </summary>
public readonly ref struct EthernetView
{
    /// <summary>Bytes before the payload or the first tag.</summary>
    public const int HeaderLength = 14;

    internal const int DestinationOffset = 0;
    internal const int SourceOffset = 6;
    internal const int TypeOffset = 12;

    private readonly ReadOnlySpan<byte> _bytes;

    private EthernetView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>Destination address.</summary>
    public MacAddress Destination => MacAddress.Read(_bytes[DestinationOffset..]);

    /// <summary>Source address.</summary>
    public MacAddress Source => MacAddress.Read(_bytes[SourceOffset..]);

    /// <summary>The type, or an IEEE 802.3 length when under <see cref="EtherTypes.Minimum"/>.</summary>
    public ushort EtherType => BigEndian.U16(_bytes, TypeOffset);

    /// <summary>True when the type field is an IEEE 802.3 length: an LLC frame.</summary>
    public bool IsLlc => EtherType < EtherTypes.Minimum;

    /// <summary>All bytes after the header, trailing padding included.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[HeaderLength..];

    /// <summary>The whole frame.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Checks the length once; no accessor of the view fails afterwards.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParse(ReadOnlySpan<byte> frame, out EthernetView view)
    {
        bool ok = frame.Length >= HeaderLength;
        view = ok ? new EthernetView(frame) : default;
        return ok;
    }

    /// <summary>As the other overload, with the reason: <see cref="ParseError.TruncatedEthernet"/>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out EthernetView view, out ParseError error)
    {
        bool ok = TryParse(frame, out view);
        error = ok ? ParseError.None : ParseError.TruncatedEthernet;
        return ok;
    }
}

/// <summary>A view of an Ethernet frame whose fields can be set.</summary>
public readonly ref struct MutableEthernetView
{
    private readonly Span<byte> _bytes;

    private MutableEthernetView(Span<byte> bytes) => _bytes = bytes;

    /// <summary>All bytes after the header.</summary>
    public Span<byte> Payload => _bytes[EthernetView.HeaderLength..];

    /// <summary>Checks as <see cref="EthernetView"/> does.</summary>
    public static bool TryParse(Span<byte> frame, out MutableEthernetView view)
    {
        bool ok = frame.Length >= EthernetView.HeaderLength;
        view = ok ? new MutableEthernetView(frame) : default;
        return ok;
    }

    /// <summary>Sets the destination address.</summary>
    public void SetDestination(MacAddress value) => value.Write(_bytes[EthernetView.DestinationOffset..]);

    /// <summary>Sets the source address.</summary>
    public void SetSource(MacAddress value) => value.Write(_bytes[EthernetView.SourceOffset..]);

    /// <summary>Sets the type.</summary>
    public void SetEtherType(ushort value) => BigEndian.U16(_bytes, EthernetView.TypeOffset, value);
}

/// <summary>An Ethernet header as a plain value.</summary>
/// <param name="Destination">Destination address.</param>
/// <param name="Source">Source address.</param>
/// <param name="EtherType">Type of what follows.</param>
public readonly record struct EthernetHeader(MacAddress Destination, MacAddress Source, ushort EtherType)
{
    /// <summary>The value of a checked view.</summary>
    public static EthernetHeader From(EthernetView view) => new(view.Destination, view.Source, view.EtherType);

    /// <summary>Writes <see cref="EthernetView.HeaderLength"/> bytes and returns that number.</summary>
    public int Emit(Span<byte> bytes)
    {
        Destination.Write(bytes[EthernetView.DestinationOffset..]);
        Source.Write(bytes[EthernetView.SourceOffset..]);
        BigEndian.U16(bytes, EthernetView.TypeOffset, EtherType);
        return EthernetView.HeaderLength;
    }
}
