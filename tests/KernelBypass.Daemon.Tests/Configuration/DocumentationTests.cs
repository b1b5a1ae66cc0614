using System.Text.RegularExpressions;
using KernelBypass.Daemon.Configuration;

namespace KernelBypass.Daemon.Tests.Configuration;

/// <summary>What README.md and docs/ show must work: YAML passes the reader, command lines are understood.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string s_docs = Path.Combine(AppContext.BaseDirectory, "docs");

    public static TheoryData<string, string> YamlBlocks => Blocks().Where(block => block.Language == "yaml")
        .Aggregate(new TheoryData<string, string>(), (data, block) => Add(data, block.Place, block.Text));

    public static TheoryData<string, string> CommandLines => Blocks().SelectMany(block => block.Text.Split('\n')
            .Where(line => line.StartsWith("kernelbypassd ", StringComparison.Ordinal)).Select(line => (block.Place, Line: line)))
        .Aggregate(new TheoryData<string, string>(), (data, line) => Add(data, line.Place, line.Line));

    [Theory]
    [MemberData(nameof(YamlBlocks))]
    public void A_yaml_block_is_a_configuration(string place, string yaml)
    {
        var faults = Record.Exception(() => ConfigLoader.Parse(place, new StringReader(yaml), null, DataPlaneDescription.Ask));
        Assert.True(faults is null, $"{place}: mend the example in the documentation: {faults?.Message}");
    }

    [Theory]
    [MemberData(nameof(CommandLines))]
    public void A_command_line_is_understood(string place, string line)
    {
        // What stands behind two spaces or # explains.
        var words = TwoSpaces().Split(line)[0].Split(' ')[1..];
        Assert.True(CommandLine.Parse(words, out var error) is not null, $"{place}: '{line}': {error}");
    }

    private static IEnumerable<(string Place, string Language, string Text)> Blocks()
    {
        foreach (var path in Directory.GetFiles(s_docs, "*.md", SearchOption.AllDirectories).Order())
        {
            var text = File.ReadAllText(path);
            foreach (Match fence in Fence().Matches(text))
            {
                var line = text.AsSpan(0, fence.Index).Count('\n') + 1;
                yield return ($"{Path.GetFileName(path)}:{line}", fence.Groups[1].Value, fence.Groups[2].Value);
            }
        }
    }

    private static TheoryData<string, string> Add(TheoryData<string, string> data, string place, string text)
    {
        data.Add(place, text);
        return data;
    }

    [GeneratedRegex("^```([a-z]*)\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("\\s{2,}|\\s#")]
    private static partial Regex TwoSpaces();
}
