using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using KernelBypass.Model.Flows;

namespace KernelBypass.Model.Text;

/// <summary>Field values as people write them: 10.0.0.0/8, aa:bb:cc:dd:ee:ff, 0x1000/0x1000, 443, first.</summary>
public static class FieldText
{
    /// <summary>Reads "value" or "value/mask".</summary>
    /// <exception cref="FormatException">The message names field, text and what is expected.</exception>
    public static MatchItem Parse(MatchFieldDeclaration field, string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var valueText = slash < 0 ? text : text[..slash];
        if (field.Format == FieldFormat.Fragment && slash < 0 && FragmentWord(valueText) is { } word) return word;
        var value = ParseValue(field, valueText);
        if (slash < 0) return new(field.Id, value);
        var mask = ParseMask(field, text[(slash + 1)..]);
        for (var i = 0; i < value.Length; i++) value[i] &= mask[i];
        return mask.All(octet => octet == 0)
            ? throw new FormatException($"{field.Name}={text}: the mask is zero; leave the field out to match anything")
            : new(field.Id, value, FieldBits.Fits(field, mask) && FieldBits.IsAllOnes(field, mask) ? null : mask);
    }

    /// <summary>Reads a value without a mask, in network order, <see cref="MatchFieldDeclaration.ValueBytes"/> long.</summary>
    /// <exception cref="FormatException">The text is no value of the field.</exception>
    public static byte[] ParseValue(MatchFieldDeclaration field, string text)
    {
        var value = field.Format switch
        {
            FieldFormat.Mac => ParseMac(text),
            FieldFormat.Ipv4 => ParseAddress(text, AddressFamily.InterNetwork),
            FieldFormat.Ipv6 => ParseAddress(text, AddressFamily.InterNetworkV6),
            _ => ParseNumber(text, field.ValueBytes),
        };
        return value is not null && FieldBits.Fits(field, value)
            ? value
            : throw new FormatException($"{field.Name}={text}: expected {Expected(field)}");
    }

    /// <summary>Writes an item as <see cref="Parse"/> reads it.</summary>
    public static string Format(MatchItem item)
    {
        var field = MatchFieldCatalogue.Find(item.Field) ?? throw new ArgumentException($"no field {item.Field}");
        var value = FormatValue(field, item.Value);
        if (item.Mask is not { } mask) return value;
        return field.Format is FieldFormat.Ipv4 or FieldFormat.Ipv6 && PrefixLength(mask) is { } length
            ? string.Create(CultureInfo.InvariantCulture, $"{value}/{length}")
            : $"{value}/{FormatMask(field, mask)}";
    }

    /// <summary>Writes a value.</summary>
    public static string FormatValue(MatchFieldDeclaration field, ReadOnlySpan<byte> value) => field.Format switch
    {
        FieldFormat.Mac => string.Join(':', Array.ConvertAll(value.ToArray(), octet => octet.ToString("x2", CultureInfo.InvariantCulture))),
        FieldFormat.Ipv4 or FieldFormat.Ipv6 => new IPAddress(value).ToString(),
        FieldFormat.Hex => "0x" + Number(value).ToString("x", CultureInfo.InvariantCulture).TrimStart('0').PadLeft(1, '0'),
        _ => Number(value).ToString(CultureInfo.InvariantCulture),
    };

    private static string FormatMask(MatchFieldDeclaration field, byte[] mask) =>
        field.Format is FieldFormat.Mac or FieldFormat.Ipv4 or FieldFormat.Ipv6
            ? FormatValue(field, mask)
            : "0x" + Number(mask).ToString("x", CultureInfo.InvariantCulture).TrimStart('0');

    private static byte[] ParseMask(MatchFieldDeclaration field, string text)
    {
        if (field.Format is FieldFormat.Ipv4 or FieldFormat.Ipv6
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
        {
            if (length > field.Bits) throw new FormatException($"{field.Name}: prefix length {length} is more than {field.Bits}");
            var mask = new byte[field.ValueBytes];
            for (var i = 0; i < length; i++) mask[i / 8] |= (byte)(0x80 >> (i % 8));
            return mask;
        }

        return ParseValue(field, text);
    }

    private static MatchItem? FragmentWord(string text) => text switch
    {
        "no" => new(MatchField.IpFrag, [0]),
        "first" => new(MatchField.IpFrag, [FlowKeyLayout.FragAny]),
        "later" => new(MatchField.IpFrag, [FlowKeyLayout.FragAny | FlowKeyLayout.FragLater]),
        "yes" => new(MatchField.IpFrag, [FlowKeyLayout.FragAny], [FlowKeyLayout.FragAny]),
        "not_later" => new(MatchField.IpFrag, [0], [FlowKeyLayout.FragLater]),
        _ => null,
    };

    private static byte[]? ParseMac(string text)
    {
        var parts = text.Split(':');
        if (parts.Length != 6) return null;
        var mac = new byte[6];
        for (var i = 0; i < 6; i++)
        {
            if (parts[i].Length is 0 or > 2) return null;
            if (!byte.TryParse(parts[i], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out mac[i])) return null;
        }

        return mac;
    }

    private static byte[]? ParseAddress(string text, AddressFamily family)
    {
        // IPAddress reads "1" and "0x7f.1" too; an address here is what people write.
        if (family == AddressFamily.InterNetwork && text.Split('.').Length != 4) return null;
        return IPAddress.TryParse(text, out var address) && address.AddressFamily == family ? address.GetAddressBytes() : null;
    }

    private static byte[]? ParseNumber(string text, int width)
    {
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var digits = hex ? text[2..] : text;
        var style = hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        if (!ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out var number)) return null;
        if (width < 8 && number >> (width * 8) != 0) return null;
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes[(8 - width)..];
    }

    private static BigInteger Number(ReadOnlySpan<byte> value) => new(value, isUnsigned: true, isBigEndian: true);

    private static int? PrefixLength(byte[] mask)
    {
        var bits = new BigInteger(mask, isUnsigned: true, isBigEndian: true);
        var width = mask.Length * 8;
        for (var length = 0; length <= width; length++)
            if (bits == (BigInteger.One << width) - (BigInteger.One << (width - length))) return length;
        return null;
    }

    private static string Expected(MatchFieldDeclaration field) => field.Format switch
    {
        FieldFormat.Mac => "a MAC address such as 02:00:00:00:00:01",
        FieldFormat.Ipv4 => "an IPv4 address such as 10.0.0.1 or 10.0.0.0/8",
        FieldFormat.Ipv6 => "an IPv6 address such as fd00::1 or fd00::/64",
        FieldFormat.Fragment => "no, first, later, yes, not_later or a number of 2 bits",
        _ => $"a number of at most {field.Bits} bits, decimal or 0x hexadecimal",
    };
}
