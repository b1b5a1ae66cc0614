using System.CommandLine;
using System.CommandLine.Invocation;

namespace KernelBypass.Cli;

/// <summary>kbctl: looks at and programs a running KernelBypass switch.</summary>
public static class Program
{
    /// <summary>Runs one command line. Exit codes: <see cref="ExitCode"/>.</summary>
    public static Task<int> Main(string[] args) => RunAsync(args, Console.Out, Console.Error);

    /// <summary>The same with output and errors going elsewhere.</summary>
    internal static Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors)
    {
        var result = CommandTree.Build().Parse(args);
        if (result.Action is not ParseErrorAction)
            return result.InvokeAsync(new InvocationConfiguration { Output = output, Error = errors });
        foreach (var error in result.Errors) errors.WriteLine($"kbctl: {error.Message}");
        errors.WriteLine($"Try: {CommandTree.HelpLine(result)}");
        return Task.FromResult(ExitCode.Usage);
    }
}
