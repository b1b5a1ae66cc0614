using System.Globalization;
using Google.Protobuf;

namespace KernelBypass.Cli.Output;

/// <summary>Prints answers: tables for people, JSON for programs.</summary>
internal sealed class Writer(TextWriter output, bool json)
{
    private static readonly JsonFormatter s_json =
        new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true).WithPreserveProtoFieldNames(true));

    /// <summary>Whether --json was given.</summary>
    internal bool Json { get; } = json;

    /// <summary>Prints the message as JSON, or what <paramref name="people"/> makes of it.</summary>
    internal void Print(IMessage message, Action people)
    {
        if (Json) output.WriteLine(s_json.Format(message));
        else people();
    }

    /// <summary>One line for people.</summary>
    internal void Line(string text = "") => output.WriteLine(text);

    /// <summary>Text without a line end.</summary>
    internal void Raw(string text)
    {
        output.Write(text);
        output.Flush();
    }

    /// <summary>A table with a heading; numbers are right-aligned.</summary>
    internal void Table(IReadOnlyList<string> heading, IEnumerable<IReadOnlyList<string>> rows) =>
        output.Write(TextTable.Render(heading, rows.ToList()));

    /// <summary>A number with thousands separators.</summary>
    internal static string Number(ulong value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A number.</summary>
    internal static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>A duration as 850us, 12.3ms, 4.5s, 3m12s, 5h02m.</summary>
    internal static string Duration(ulong nanoseconds)
    {
        var span = TimeSpan.FromMicroseconds(nanoseconds / 1000.0);
        return span.TotalMilliseconds < 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMicroseconds:0}us")
            : span.TotalSeconds < 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0.0}ms")
            : span.TotalMinutes < 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0}s")
            : span.TotalHours < 1 ? string.Create(CultureInfo.InvariantCulture, $"{span.Minutes}m{span.Seconds:00}s")
            : string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}h{span.Minutes:00}m");
    }
}
