using System.Text;
using System.Text.Json;

namespace KernelBypass.DataPlane.Tests;

/// <summary>docs/metrics.md holds what the declarations say, between two markers.</summary>
public sealed class MetricsReferenceTests
{
    private const string Begin = "<!-- describe:begin -->\n";
    private const string End = "<!-- describe:end -->";

    [Fact]
    public void The_committed_reference_is_that_of_the_declarations()
    {
        var file = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "metrics.md"));
        var begin = file.IndexOf(Begin, StringComparison.Ordinal);
        var end = file.IndexOf(End, StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, $"docs/metrics.md has lost its markers {Begin.Trim()} and {End}: put them back");
        var wanted = Render();
        if (file[(begin + Begin.Length)..end] == wanted) return;
        var path = Path.Combine(AppContext.BaseDirectory, "metrics.md");
        File.WriteAllText(path, file[..(begin + Begin.Length)] + wanted + file[end..]);
        Assert.Fail($"docs/metrics.md is not what the declarations say. Its right text is written: cp {path} docs/metrics.md");
    }

    private static string Render()
    {
        using var document = JsonDocument.Parse(Describe.Text());
        var root = document.RootElement;
        var text = new StringBuilder("### Metrics\n\n| name | kind | unit | labels | meaning |\n|---|---|---|---|---|\n");
        foreach (var metric in root.GetProperty("metrics").EnumerateArray())
        {
            var labels = metric.GetProperty("labels").EnumerateArray().Select(label => $"`{label.GetString()}`");
            Row(text, $"`{Text(metric, "name")}`", Text(metric, "kind"), $"`{Text(metric, "unit")}`", string.Join(", ", labels),
                Text(metric, "description"));
        }

        text.Append("\n### Drop reasons\n\n| stage | reason | meaning |\n|---|---|---|\n");
        foreach (var reason in root.GetProperty("drop_reasons").EnumerateArray())
            Row(text, Text(reason, "stage"), $"`{Text(reason, "name")}`", Text(reason, "description"));
        return text.Append('\n').ToString();
    }

    private static void Row(StringBuilder text, params IEnumerable<string> cells) =>
        text.Append("| ").AppendJoin(" | ", cells.Select(cell => cell.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
