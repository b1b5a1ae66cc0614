using System.Diagnostics;

namespace KernelBypass.EndToEnd.Tests.Lab;

/// <summary>Runs programs of the machine.</summary>
internal static class Shell
{
    internal sealed record Result(int Code, string Output, string Error)
    {
        internal string All => Output + Error;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="TimeoutException">It did not end in time; it has been killed.</exception>
    internal static Result Run(string program, IEnumerable<string> arguments, int timeoutSeconds = 60, string? input = null)
    {
        using var process = Start(program, arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (input is not null) process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(timeoutSeconds)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end in {timeoutSeconds} s");
        }

        return new(process.ExitCode, output.GetAwaiter().GetResult(), error.GetAwaiter().GetResult());
    }

    /// <summary>Runs a command line of words without spaces in them, which must succeed; returns its output.</summary>
    internal static string Must(string commandLine, int timeoutSeconds = 60)
    {
        var words = commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var result = Run(words[0], words[1..], timeoutSeconds);
        return result.Code == 0 ? result.Output : throw new InvalidOperationException($"{commandLine}: exit code {result.Code}: {result.All}");
    }

    /// <summary>Starts a program with its streams redirected.</summary>
    internal static Process Start(string program, IEnumerable<string> arguments) =>
        Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        }) ?? throw new InvalidOperationException($"{program} could not be started");
}
