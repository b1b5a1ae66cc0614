using System.Globalization;

namespace Grpc.Protocol;

/// <summary>
/// The value of <c>grpc-timeout</c> (PROTOCOL-HTTP2.md, "Timeout"): 1 to 8 digits and a unit, one of H, M, S, m, u, n.
/// </summary>
internal static class TimeoutHeader
{
    private const int MaxDigits = 8;
    private const long MaxValue = 99_999_999;
    private const long MaxHours = long.MaxValue / TimeSpan.TicksPerHour;

    /// <summary>Reads a timeout. Nanoseconds are rounded up to the tick (100 ns); hours are held to TimeSpan's range.</summary>
    /// <returns>False when it is malformed; by the specification that makes the request invalid.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > MaxDigits + 1
            || !long.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long value))
        {
            return false;
        }

        switch (text[^1])
        {
            case 'H':
                timeout = TimeSpan.FromTicks(Math.Min(value, MaxHours) * TimeSpan.TicksPerHour);
                return true;
            case 'M':
                timeout = TimeSpan.FromTicks(value * TimeSpan.TicksPerMinute);
                return true;
            case 'S':
                timeout = TimeSpan.FromTicks(value * TimeSpan.TicksPerSecond);
                return true;
            case 'm':
                timeout = TimeSpan.FromTicks(value * TimeSpan.TicksPerMillisecond);
                return true;
            case 'u':
                timeout = TimeSpan.FromTicks(value * TimeSpan.TicksPerMicrosecond);
                return true;
            case 'n':
                timeout = TimeSpan.FromTicks((value + TimeSpan.NanosecondsPerTick - 1) / TimeSpan.NanosecondsPerTick);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Writes a timeout in the finest unit that its eight digits hold, rounded up; one already past is "1n".</summary>
    public static string Format(TimeSpan timeout)
    {
        long ticks = timeout.Ticks;
        if (ticks <= 0)
            return "1n";
        if (ticks <= MaxValue / TimeSpan.NanosecondsPerTick)
            return Text(ticks * TimeSpan.NanosecondsPerTick, 'n');
        ReadOnlySpan<(long Ticks, char Unit)> units =
        [
            (TimeSpan.TicksPerMicrosecond, 'u'), (TimeSpan.TicksPerMillisecond, 'm'), (TimeSpan.TicksPerSecond, 'S'),
            (TimeSpan.TicksPerMinute, 'M'), (TimeSpan.TicksPerHour, 'H'),
        ];
        foreach (var (unitTicks, unit) in units)
        {
            long value = (ticks / unitTicks) + (ticks % unitTicks == 0 ? 0 : 1);
            if (value <= MaxValue)
                return Text(value, unit);
        }

        return Text(MaxValue, 'H');
    }

    private static string Text(long value, char unit) => value.ToString(CultureInfo.InvariantCulture) + unit;
}
