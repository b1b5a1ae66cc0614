using System.Text;

namespace KernelBypass.Cli.Output;

/// <summary>A table in plain text: two spaces between columns, numbers to the right, no trailing blanks.</summary>
internal static class TextTable
{
    internal static string Render(IReadOnlyList<string> heading, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        var widths = new int[heading.Count];
        var right = new bool[heading.Count];
        for (var column = 0; column < heading.Count; column++)
        {
            var cells = rows.Select(row => row[column]).ToList();
            widths[column] = cells.Append(heading[column]).Max(cell => cell.Length);
            right[column] = cells.Count > 0 && cells.All(LooksNumeric);
        }

        var text = new StringBuilder();
        AppendRow(text, heading, widths, right);
        foreach (var row in rows) AppendRow(text, row, widths, right);
        return text.ToString();
    }

    private static void AppendRow(StringBuilder text, IReadOnlyList<string> cells, int[] widths, bool[] right)
    {
        var line = new StringBuilder();
        for (var column = 0; column < cells.Count; column++)
        {
            if (column > 0) line.Append("  ");
            line.Append(right[column] ? cells[column].PadLeft(widths[column]) : cells[column].PadRight(widths[column]));
        }

        text.Append(line.ToString().TrimEnd()).Append('\n');
    }

    private static bool LooksNumeric(string cell) =>
        cell.Length == 0 || cell == "-" || (char.IsAsciiDigit(cell[0]) && !cell.Contains(':', StringComparison.Ordinal));
}
