using System.Diagnostics;

namespace KernelBypass.Dpdk.Tests;

/// <summary>Runs a scenario of <see cref="Program"/> in a process of its own, since EAL starts once a process.</summary>
internal static class ChildProcess
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    internal static (int ExitCode, string Output) Run(params string[] arguments) => Run([], arguments);

    internal static (int ExitCode, string Output) Run((string Name, string Value)[] environment, string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Under the test host the process is dotnet or testhost; the assembly is run by dotnet either way.
        string host = Path.GetFileNameWithoutExtension(start.FileName);
        if (host != "dotnet")
            start.FileName = "dotnet";
        start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"The child {string.Join(' ', arguments)} did not end: {output.Result} {error.Result}");
        }

        return (process.ExitCode, output.Result + error.Result);
    }
}
