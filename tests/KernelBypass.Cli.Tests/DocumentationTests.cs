using System.Text.RegularExpressions;
using KernelBypass.Model.Text;

namespace KernelBypass.Cli.Tests;

/// <summary>What README.md and docs/ show of kbctl must be understood by it: whole lines of fenced blocks, and `kbctl ...` in the text.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string s_docs = Path.Combine(AppContext.BaseDirectory, "docs");

    public static TheoryData<string, string> Lines => Collect(inText: false);

    public static TheoryData<string, string> Mentions => Collect(inText: true);

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_line_of_a_block_is_understood(string place, string line)
    {
        var result = CommandTree.Build().Parse(Words(line));
        Assert.True(result.Errors.Count == 0, $"{place}: '{line}': {string.Join("; ", result.Errors)}: mend the example");
        if (Words(line) is not ["flow", "add", .. var flow]) return;
        var fault = Record.Exception(() => FlowTextParser.Parse(string.Join(' ', flow), _ => 1));
        Assert.True(fault is null, $"{place}: '{line}': {fault?.Message}: mend the example");
    }

    /// <summary>A mention may be a verb alone; whatever it says more must be right.</summary>
    [Theory]
    [MemberData(nameof(Mentions))]
    public void A_mention_names_a_verb_and_its_options(string place, string mention)
    {
        var result = CommandTree.Build().Parse(Words(mention));
        Assert.True(result.CommandResult.Command is not System.CommandLine.RootCommand, $"{place}: kbctl has no such verb: '{mention}'");
        if (Words(mention).Length == 1) return;
        Assert.True(result.Errors.Count == 0, $"{place}: '{mention}': {string.Join("; ", result.Errors)}: mend the text");
    }

    private static TheoryData<string, string> Collect(bool inText)
    {
        var found = new TheoryData<string, string>();
        foreach (var path in Directory.GetFiles(s_docs, "*.md", SearchOption.AllDirectories).Order())
        {
            var fenced = false;
            var number = 0;
            foreach (var line in File.ReadLines(path))
            {
                number++;
                if (line.StartsWith("```", StringComparison.Ordinal)) fenced = !fenced;
                var place = $"{Path.GetFileName(path)}:{number}";
                if (fenced && !inText && line.StartsWith("kbctl ", StringComparison.Ordinal)) found.Add(place, line);
                if (fenced || !inText) continue;
                foreach (Match mention in Mention().Matches(line)) found.Add(place, mention.Groups[1].Value);
            }
        }

        return found;
    }

    /// <summary>The arguments: up to a comment or a pipe.</summary>
    private static string[] Words(string line) => End().Split(line)[0].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..];

    [GeneratedRegex("`(kbctl [^`]+)`")]
    private static partial Regex Mention();

    [GeneratedRegex("\\s+[#|]")]
    private static partial Regex End();
}
