using Grpc.Core;

namespace Grpc.Protocol;

/// <summary>Metadata to and from HTTP header fields (PROTOCOL-HTTP2.md, "Custom-Metadata").</summary>
internal static class MetadataHeaders
{
    /// <summary>The text of an entry as a header's value: binary ones in base64, unpadded as the specification asks.</summary>
    /// <exception cref="ArgumentException">The key is one of HTTP's or gRPC's own, or the text not printable ASCII.</exception>
    public static string WireValue(Metadata.Entry entry)
    {
        if (HeaderNames.IsReserved(entry.Key))
        {
            throw new ArgumentException(
                $"'{entry.Key}' is a header of HTTP or of gRPC itself and can't be sent as metadata: use another key.");
        }

        if (entry.IsBinary)
            return Convert.ToBase64String(entry.BinaryValue).TrimEnd('=');
        // An entry that a peer sent may be anything; handed on, it has to be what the specification allows.
        if (entry.Value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ArgumentException($"The value of metadata key '{entry.Key}' is not printable ASCII.");
        return entry.Value;
    }

    /// <summary>
    /// Adds what a peer sent. A binary header may hold several values joined by commas, padded or not; one that is no
    /// base64 is left out, as it has no meaning that could be handed on.
    /// </summary>
    public static void AddFromWire(Metadata metadata, string name, string? value)
    {
        string key = name.ToLowerInvariant();
        if (value is null || HeaderNames.IsReserved(key))
            return;
        if (!key.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.Ordinal))
        {
            metadata.Add(Metadata.Entry.FromWire(key, value));
            return;
        }

        foreach (var range in value.AsSpan().Split(','))
        {
            if (TryDecodeBase64(value.AsSpan()[range].Trim(), out byte[] bytes))
                metadata.Add(Metadata.Entry.FromWire(key, bytes));
        }
    }

    private static bool TryDecodeBase64(ReadOnlySpan<char> text, out byte[] bytes)
    {
        text = text.TrimEnd('=');
        bytes = [];
        if (text.Length % 4 == 1)
            return false;
        Span<char> padded = text.Length <= 512 ? stackalloc char[516] : new char[text.Length + 3];
        text.CopyTo(padded);
        int length = text.Length;
        while (length % 4 != 0)
            padded[length++] = '=';
        var decoded = new byte[length / 4 * 3];
        if (!Convert.TryFromBase64Chars(padded[..length], decoded, out int written))
            return false;
        bytes = written == decoded.Length ? decoded : decoded[..written];
        return true;
    }
}
