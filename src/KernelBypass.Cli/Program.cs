using System.CommandLine;
using KernelBypass.Cli.Verbs;

namespace KernelBypass.Cli;

/// <summary>kbctl: looks at and programs a running KernelBypass switch.</summary>
public static class Program
{
    /// <summary>Runs one command line. Exit codes: <see cref="ExitCode"/>.</summary>
    public static Task<int> Main(string[] args)
    {
        var result = CommandTree.Build().Parse(args);
        if (result.Errors.Count == 0) return result.InvokeAsync();
        foreach (var error in result.Errors) Console.Error.WriteLine($"kbctl: {error.Message}");
        Console.Error.WriteLine($"Try: {CommandTree.HelpLine(result)}");
        return Task.FromResult(ExitCode.Usage);
    }
}
