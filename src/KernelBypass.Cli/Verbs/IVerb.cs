using System.CommandLine;

namespace KernelBypass.Cli.Verbs;

/// <summary>One verb of kbctl: a file in this folder and a line in <see cref="VerbCatalogue"/>.</summary>
internal interface IVerb
{
    /// <summary>The command with its subcommands, options and actions.</summary>
    Command Build();

    /// <summary>Command lines for the help, without "kbctl".</summary>
    IReadOnlyList<string> Examples { get; }
}
