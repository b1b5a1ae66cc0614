using System.Globalization;

namespace KernelBypass.SwitchBench;

/// <summary>What the command line asks for.</summary>
internal sealed record Options(int Rounds, int Windows, string? Json, string? Markdown, IReadOnlyList<string> Rows)
{
    internal bool Selects(string name) => Rows.Count == 0 || Rows.Any(part => name.Contains(part, StringComparison.OrdinalIgnoreCase));

    internal static Options? Parse(string[] args)
    {
        int rounds = 3, windows = 6;
        string? json = null, markdown = null;
        var rows = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            var value = i + 1 < args.Length ? args[i + 1] : null;
            switch (args[i])
            {
                case "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out rounds): i++; break;
                case "--windows" when int.TryParse(value, CultureInfo.InvariantCulture, out windows): i++; break;
                case "--json" when value is not null: json = value; i++; break;
                case "--markdown" when value is not null: markdown = value; i++; break;
                case var other when other.StartsWith("--", StringComparison.Ordinal): return null;
                default: rows.Add(args[i]); break;
            }
        }

        return new(rounds, windows, json, markdown, rows);
    }
}
