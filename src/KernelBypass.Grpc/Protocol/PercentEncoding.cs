using System.Globalization;
using System.Text;

namespace Grpc.Protocol;

/// <summary>
/// The encoding of <c>grpc-message</c> (PROTOCOL-HTTP2.md, "Status-Message"): UTF-8, with every byte but printable ASCII
/// other than '%' as "%XX".
/// </summary>
internal static class PercentEncoding
{
    /// <summary>Encodes; text that needs no encoding is returned as it is.</summary>
    public static string Encode(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%', StringComparison.Ordinal))
            return text;
        var encoded = new StringBuilder(text.Length + 16);
        // A lone surrogate becomes U+FFFD: a status never fails for its message.
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (b is >= 0x20 and <= 0x7E and not (byte)'%')
                encoded.Append((char)b);
            else
                encoded.Append('%').Append(b.ToString("X2", CultureInfo.InvariantCulture));
        }

        return encoded.ToString();
    }

    /// <summary>
    /// Decodes. What is not valid encoding is passed on as it is: the specification forbids to discard a message for
    /// that.
    /// </summary>
    public static string Decode(string encoded)
    {
        if (!encoded.Contains('%', StringComparison.Ordinal))
            return encoded;
        var source = Encoding.UTF8.GetBytes(encoded);
        var bytes = new byte[source.Length];
        int length = 0;
        for (int i = 0; i < source.Length; i++)
        {
            if (source[i] == '%' && i + 2 < source.Length && TryParseHex(source.AsSpan(i + 1, 2), out byte b))
            {
                bytes[length++] = b;
                i += 2;
            }
            else
            {
                bytes[length++] = source[i];
            }
        }

        return Encoding.UTF8.GetString(bytes, 0, length);
    }

    private static bool TryParseHex(ReadOnlySpan<byte> digits, out byte value) =>
        byte.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
