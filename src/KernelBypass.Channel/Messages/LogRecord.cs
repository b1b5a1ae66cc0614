using System.Text;

namespace KernelBypass.Channel.Messages;

/// <summary>A warning or error of the data plane for the control plane's log: one byte of level, then UTF-8 text.</summary>
public static class LogRecord
{
    /// <summary>Longest text in bytes; the rest is cut.</summary>
    public const int MaxBytes = 1024;

    /// <summary>Encodes into <paramref name="buffer"/> (at least 1 + <see cref="MaxBytes"/>); returns the bytes used.</summary>
    public static int Encode(LogSeverity severity, ReadOnlySpan<char> text, Span<byte> buffer)
    {
        buffer[0] = (byte)severity;
        Encoding.UTF8.GetEncoder().Convert(text, buffer.Slice(1, MaxBytes), flush: true, out _, out var used, out _);
        return 1 + used;
    }

    /// <summary>Decodes; false when empty or of unknown level. Control characters become spaces.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out LogSeverity severity, out string text)
    {
        severity = payload.IsEmpty ? default : (LogSeverity)payload[0];
        text = "";
        if (payload.IsEmpty || severity > LogSeverity.Error) return false;
        text = string.Create(Encoding.UTF8.GetCharCount(payload[1..]), payload[1..], static (chars, bytes) =>
        {
            Encoding.UTF8.GetChars(bytes, chars);
            for (var i = 0; i < chars.Length; i++)
                if (char.IsControl(chars[i])) chars[i] = ' ';
        });
        return true;
    }
}

/// <summary>Level of a <see cref="LogRecord"/>.</summary>
public enum LogSeverity : byte
{
    Information = 0,
    Warning = 1,
    Error = 2,
}
