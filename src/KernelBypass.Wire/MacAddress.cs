using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace KernelBypass.Wire;

/// <summary>A 48-bit MAC address. The first byte on the wire is the most significant one of <see cref="Value"/>.</summary>
public readonly struct MacAddress : IEquatable<MacAddress>, IComparable<MacAddress>, ISpanFormattable
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 6;

    private const int TextLength = 17;
    private const ulong Mask = 0xFFFF_FFFF_FFFF;

    /// <summary>Takes the low 48 bits of <paramref name="value"/>.</summary>
    public MacAddress(ulong value) => Value = value & Mask;

    /// <summary>ff:ff:ff:ff:ff:ff.</summary>
    public static MacAddress Broadcast => new(Mask);

    /// <summary>00:00:00:00:00:00.</summary>
    public static MacAddress Zero => default;

    /// <summary>The address as an integer under 2^48.</summary>
    public ulong Value { get; }

    /// <summary>True for ff:ff:ff:ff:ff:ff.</summary>
    public bool IsBroadcast => Value == Mask;

    /// <summary>True when the group bit is set, broadcast included.</summary>
    public bool IsMulticast => (Value & 0x0100_0000_0000) != 0;

    /// <summary>True when the address is neither multicast nor zero, so that a host may have it.</summary>
    public bool IsUnicast => !IsMulticast && Value != 0;

    /// <summary>True when the locally administered bit is set.</summary>
    public bool IsLocal => (Value & 0x0200_0000_0000) != 0;

    /// <summary>Reads the first 6 bytes; throws <see cref="ArgumentOutOfRangeException"/> when there are fewer.</summary>
    public static MacAddress Read(ReadOnlySpan<byte> bytes) =>
        new(((ulong)BigEndian.U16(bytes, 0) << 32) | BigEndian.U32(bytes, 2));

    /// <summary>The group address that IPv6 multicast maps to, 33:33 and the low 32 bits (RFC 2464 7).</summary>
    public static MacAddress ForIpv6Multicast(UInt128 group) => new(0x3333_0000_0000UL | (uint)group);

    /// <summary>The group address that IPv4 multicast maps to, 01:00:5e and the low 23 bits (RFC 1112 6.4).</summary>
    public static MacAddress ForIpv4Multicast(uint group) => new(0x0100_5E00_0000UL | (group & 0x7F_FFFF));

    /// <summary>Parses six pairs of hex digits joined by ':' or '-'. Throws <see cref="FormatException"/>.</summary>
    public static MacAddress Parse(ReadOnlySpan<char> text) => TryParse(text, out MacAddress mac)
        ? mac
        : throw new FormatException($"'{text}' is not a MAC address: write six pairs of hex digits, such as 02:00:00:00:00:01");

    /// <summary>Parses six pairs of hex digits joined by ':' or '-' (one of them throughout).</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacAddress mac)
    {
        mac = default;
        if (text.Length != TextLength || text[2] is not (':' or '-'))
            return false;
        ulong value = 0;
        for (int i = 0; i < TextLength; i++)
        {
            if (i % 3 == 2)
            {
                if (text[i] != text[2])
                    return false;
            }
            else if (char.IsAsciiHexDigit(text[i]))
            {
                int digit = char.IsAsciiDigit(text[i]) ? text[i] - '0' : (text[i] | 0x20) - 'a' + 10;
                value = (value << 4) | (uint)digit;
            }
            else
            {
                return false;
            }
        }
        mac = new MacAddress(value);
        return true;
    }

    /// <summary>Writes the first 6 bytes of <paramref name="bytes"/>.</summary>
    public void Write(Span<byte> bytes)
    {
        BigEndian.U16(bytes, 0, (ushort)(Value >> 32));
        BigEndian.U32(bytes, 2, (uint)Value);
    }

    /// <summary>Lower-case hex pairs joined by ':'.</summary>
    public override string ToString() => ToString(null, null);

    /// <summary>Lower-case hex pairs joined by ':'; format and provider are not used.</summary>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        Span<char> text = stackalloc char[TextLength];
        TryFormat(text, out _, format, formatProvider);
        return text.ToString();
    }

    /// <summary>Writes 17 characters; false when there is no room for them.</summary>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        charsWritten = 0;
        if (destination.Length < TextLength)
            return false;
        for (int i = 0; i < Size; i++)
        {
            byte part = (byte)(Value >> (40 - (8 * i)));
            part.TryFormat(destination[(3 * i)..], out _, "x2", CultureInfo.InvariantCulture);
            if (i < Size - 1)
                destination[(3 * i) + 2] = ':';
        }
        charsWritten = TextLength;
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(MacAddress other) => Value == other.Value;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is MacAddress other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Value.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(MacAddress other) => Value.CompareTo(other.Value);

    /// <summary>Equality of all 48 bits.</summary>
    public static bool operator ==(MacAddress left, MacAddress right) => left.Value == right.Value;

    /// <summary>Inequality of any of the 48 bits.</summary>
    public static bool operator !=(MacAddress left, MacAddress right) => left.Value != right.Value;

    /// <summary>Order of the integer value.</summary>
    public static bool operator <(MacAddress left, MacAddress right) => left.Value < right.Value;

    /// <summary>Order of the integer value.</summary>
    public static bool operator >(MacAddress left, MacAddress right) => left.Value > right.Value;

    /// <summary>Order of the integer value.</summary>
    public static bool operator <=(MacAddress left, MacAddress right) => left.Value <= right.Value;

    /// <summary>Order of the integer value.</summary>
    public static bool operator >=(MacAddress left, MacAddress right) => left.Value >= right.Value;
}
