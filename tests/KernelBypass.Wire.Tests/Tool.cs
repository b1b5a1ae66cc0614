using System.Diagnostics;

namespace KernelBypass.Wire.Tests;

/// <summary>Runs a program that a test needs, and fails with its output or with the package that has it.</summary>
internal static class Tool
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    internal static string Run(string program, string package, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        Assert.True(File.Exists(program), $"this test needs {program}: apt-get install {package}");
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} did not end within {s_limit}");
        }
        process.WaitForExit();
        Assert.True(process.ExitCode == 0,
            $"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{errors.Result}");
        return output.Result;
    }
}

/// <summary>A directory that is deleted with what is in it.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kernelbypass-wire-");

    public void Dispose() => _directory.Delete(recursive: true);

    internal string File(string name) => Path.Combine(_directory.FullName, name);
}
