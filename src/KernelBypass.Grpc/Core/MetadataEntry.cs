using System.Text;
using Grpc.Protocol;

namespace Grpc.Core;

public sealed partial class Metadata
{
    /// <summary>One key with its value.</summary>
    public class Entry
    {
        private readonly string? _value;
        private readonly byte[]? _valueBytes;

        /// <summary>A text entry.</summary>
        /// <param name="key">Letters, digits, '_', '-' and '.'; made lower case; not ending in "-bin".</param>
        /// <param name="value">Printable ASCII (0x20 to 0x7E).</param>
        /// <exception cref="ArgumentException">The key or value has a character that may not be in it.</exception>
        public Entry(string key, string value)
        {
            Key = NormalizeKey(key);
            if (IsBinary)
                throw new ArgumentException($"Metadata key '{Key}' ends in '-bin': its value must be bytes.", nameof(key));
            ArgumentNullException.ThrowIfNull(value);
            if (value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            {
                throw new ArgumentException(
                    $"The value of metadata key '{Key}' is not printable ASCII: use a '-bin' key and bytes.", nameof(value));
            }

            _value = value;
        }

        /// <summary>A binary entry.</summary>
        /// <param name="key">Letters, digits, '_', '-' and '.'; made lower case; ending in "-bin".</param>
        /// <param name="valueBytes">The bytes; copied.</param>
        /// <exception cref="ArgumentException">The key has a character that may not be in it, or lacks "-bin".</exception>
        public Entry(string key, byte[] valueBytes)
        {
            Key = NormalizeKey(key);
            if (!IsBinary)
                throw new ArgumentException($"Metadata key '{Key}' must end in '-bin' to hold bytes.", nameof(key));
            ArgumentNullException.ThrowIfNull(valueBytes);
            _valueBytes = valueBytes.ToArray();
        }

        private Entry(string key, string? value, byte[]? valueBytes)
        {
            Key = key;
            _value = value;
            _valueBytes = valueBytes;
        }

        /// <summary>The key, in lower case.</summary>
        public string Key { get; }

        /// <summary>The text.</summary>
        /// <exception cref="InvalidOperationException">The value is binary.</exception>
        public string Value => _value
            ?? throw new InvalidOperationException($"Metadata entry '{Key}' is binary: read ValueBytes.");

        /// <summary>The bytes: a copy of a binary value, or the ASCII of a text.</summary>
        public byte[] ValueBytes => _valueBytes is not null ? _valueBytes.ToArray() : Encoding.ASCII.GetBytes(_value!);

        /// <summary>Whether the key ends in "-bin".</summary>
        public bool IsBinary => Key.EndsWith(BinaryHeaderSuffix, StringComparison.Ordinal);

        /// <inheritdoc/>
        public override string ToString() => IsBinary
            ? $"[Entry: key={Key}, valueBytes={Convert.ToHexString(_valueBytes!)}]"
            : $"[Entry: key={Key}, value={_value}]";

        internal ReadOnlySpan<byte> BinaryValue => _valueBytes;

        // What a peer sent is taken as it is: it is not ours to reject.
        internal static Entry FromWire(string key, string value) => new(key, value, null);

        internal static Entry FromWire(string key, byte[] value) => new(key, null, value);

        private static string NormalizeKey(string key)
        {
            ArgumentNullException.ThrowIfNull(key);
            if (key.Length == 0 || key.AsSpan().ContainsAnyExcept(HeaderNames.MetadataKeyCharacters))
            {
                throw new ArgumentException(
                    $"'{key}' is no metadata key: it takes letters, digits, '_', '-' and '.' only.", nameof(key));
            }

            return key.ToLowerInvariant();
        }
    }
}
