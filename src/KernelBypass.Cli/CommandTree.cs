using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using KernelBypass.Cli.Verbs;

namespace KernelBypass.Cli;

/// <summary>The whole command line, from the catalogue.</summary>
internal static class CommandTree
{
    internal static RootCommand Build()
    {
        var root = new RootCommand("kbctl looks at and programs a running KernelBypass switch.");
        foreach (var option in GlobalOptions.All) root.Add(option);
        var examples = new Dictionary<Command, IReadOnlyList<string>>();
        foreach (var verb in VerbCatalogue.All)
        {
            var command = verb.Build();
            examples[command] = verb.Examples;
            foreach (var child in command.Subcommands)
                examples[child] = verb.Examples.Where(line => line.StartsWith($"{command.Name} {child.Name}", StringComparison.Ordinal)).ToList();
            root.Add(command);
        }

        foreach (var help in root.Options.OfType<HelpOption>())
            if (help.Action is HelpAction plain) help.Action = new HelpWithExamples(plain, examples);
        return root;
    }

    internal static string HelpLine(ParseResult result)
    {
        var names = new List<string>();
        for (var command = result.CommandResult; command is not null; command = command.Parent as System.CommandLine.Parsing.CommandResult)
            if (command.Command is not RootCommand) names.Insert(0, command.Command.Name);
        return string.Join(' ', ["kbctl", .. names, "--help"]);
    }

    private sealed class HelpWithExamples(HelpAction plain, Dictionary<Command, IReadOnlyList<string>> examples) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var code = plain.Invoke(parseResult);
            if (!examples.TryGetValue(parseResult.CommandResult.Command, out var lines) || lines.Count == 0) return code;
            var output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach (var line in lines) output.WriteLine($"  kbctl {line}");
            output.WriteLine();
            return code;
        }
    }
}
