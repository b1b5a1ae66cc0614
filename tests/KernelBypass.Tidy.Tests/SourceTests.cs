using System.Text.RegularExpressions;

namespace KernelBypass.Tidy.Tests;

/// <summary>Style as law: lengths, unsafe code, names, loose ends.</summary>
public partial class SourceTests
{
    private const int MaxFileLines = 400;
    private const int MaxFunctionLines = 75;
    private const int MaxColumns = 160;

    [Fact]
    public void Files_are_short()
    {
        var sources = Repository.Sources().Concat(Repository.Sources(".c")).Concat(Repository.Sources(".h"));
        Assert.Empty(sources.Select(file => (file, lines: Repository.Lines(file).Length))
            .Where(row => row.lines > MaxFileLines).Select(row => $"{row.file}: {row.lines} lines, at most {MaxFileLines}"));
    }

    [Fact]
    public void Functions_fit_one_screen() => Assert.Empty(Repository.Sources().SelectMany(LongFunctions));

    [Fact]
    public void Lines_fit_the_window()
    {
        // Catalogues are tables: one line a row, however long.
        var sources = Repository.Sources().Where(file => !file.EndsWith("Catalogue.cs", StringComparison.Ordinal));
        Assert.Empty(sources.SelectMany(file => Repository.Lines(file)
            .Select((line, index) => (line, index))
            .Where(row => row.line.Length > MaxColumns)
            .Select(row => $"{file}:{row.index + 1}: {row.line.Length} columns, at most {MaxColumns}")));
    }

    [Fact]
    public void Unsafe_code_stays_where_it_is_announced() =>
        Assert.Empty(Repository.Sources()
            .Where(file => file.StartsWith("src/", StringComparison.Ordinal) && !MayBeUnsafe(file))
            .Where(file => Repository.Lines(file).Any(line => UnsafeKeyword().IsMatch(WithoutComment(line))))
            .Select(file => $"{file}: unsafe code belongs in *.Unsafe.cs, *Native*.cs, a Native folder, or the packet-path projects"));

    [Fact]
    public void No_catch_all_names() =>
        Assert.DoesNotContain(Repository.Sources(), file => CatchAll().IsMatch(Path.GetFileNameWithoutExtension(file)));

    [Fact]
    public void No_loose_ends()
    {
        // Built from parts, so that this file does not find itself.
        var words = new[] { "TO" + "DO", "FIX" + "ME", "NotImplemented" + "Exception", "/wor" + "k/", "/tm" + "p/studio" };
        Assert.Empty(Repository.Files.Where(IsText).SelectMany(file => words
            .Where(word => Repository.Text(file).Contains(word, StringComparison.Ordinal))
            .Select(word => $"{file}: {word}")));
    }

    [Fact]
    public void No_test_is_skipped() =>
        Assert.DoesNotContain(
            Repository.Sources().Where(file => file.StartsWith("tests/", StringComparison.Ordinal)),
            file => Repository.Text(file).Contains("Skip" + " = ", StringComparison.Ordinal));

    private static bool MayBeUnsafe(string file) =>
        file.EndsWith(".Unsafe.cs", StringComparison.Ordinal)
        || Path.GetFileName(file).Contains("Native", StringComparison.Ordinal)
        || file.Contains("/Native/", StringComparison.Ordinal)
        || file.StartsWith("src/KernelBypass.Pipeline/", StringComparison.Ordinal)
        || file.StartsWith("src/KernelBypass.Dpdk/", StringComparison.Ordinal)
        || file.StartsWith("src/KernelBypass.Channel/Shared", StringComparison.Ordinal);

    private static bool IsText(string file) =>
        Path.GetExtension(file) is ".cs" or ".c" or ".h" or ".sh" or ".proto" or ".yaml" or ".json" or ".props" or ".csproj"
            or ".py" or ".js";

    private static string WithoutComment(string line)
    {
        var comment = line.IndexOf("//", StringComparison.Ordinal);
        return comment < 0 ? line : line[..comment];
    }

    /// <summary>Members in this code style open with a brace alone on a line, and close at the same indentation.</summary>
    private static IEnumerable<string> LongFunctions(string file)
    {
        var lines = Repository.Lines(file);
        for (var i = 1; i < lines.Length; i++)
        {
            if (lines[i].Trim() != "{" || !IsFunctionHead(lines, i - 1)) continue;
            var indent = lines[i].Length - 1;
            var end = Array.FindIndex(lines, i, line => line.Length > indent && line[indent] == '}' && line[..indent].Trim().Length == 0);
            if (end - i - 1 > MaxFunctionLines) yield return $"{file}:{i}: function of {end - i - 1} lines, at most {MaxFunctionLines}";
        }
    }

    private static bool IsFunctionHead(string[] lines, int index)
    {
        var head = lines[index].Trim();
        var depth = lines[index].Length - lines[index].TrimStart().Length;
        if (depth > 12 || TypeKeyword().IsMatch(head) || StatementKeyword().IsMatch(head)) return false;
        return head.EndsWith(')') || head.StartsWith("where ", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\bunsafe\b|\bfixed\s*\(|Unsafe\.(As|Add|Read|Write|SizeOf)|\bMarshal\.(Read|Write|PtrTo)")]
    private static partial Regex UnsafeKeyword();

    [GeneratedRegex(@"^(Utils?|Helpers?|Misc|Common|Stuff)$|(Utils|Helpers|Helper)$")]
    private static partial Regex CatchAll();

    [GeneratedRegex(@"\b(class|struct|interface|enum|record|namespace)\b")]
    private static partial Regex TypeKeyword();

    [GeneratedRegex(
        @"^(if|else|for|foreach|while|do|switch|using|lock|try|catch|finally|fixed|checked|unchecked|case|return|\}|await)\b|=>|\bnew\b")]
    private static partial Regex StatementKeyword();
}
