using System.Diagnostics;

namespace KernelBypass.Tidy.Tests;

/// <summary>The files of the repository, as git has them (or would, for new ones).</summary>
internal static class Repository
{
    internal static string Root { get; } = FindRoot();

    internal static IReadOnlyList<string> Files { get; } = ListFiles();

    internal static IEnumerable<string> Sources(string extension = ".cs") =>
        Files.Where(file => file.EndsWith(extension, StringComparison.Ordinal));

    internal static string[] Lines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    internal static string Text(string file) => File.ReadAllText(Path.Combine(Root, file));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KernelBypass.sln"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("KernelBypass.sln is in no folder above the test");
    }

    private static List<string> ListFiles()
    {
        var start = new ProcessStartInfo("git", ["-C", Root, "ls-files", "--cached", "--others", "--exclude-standard"])
        {
            RedirectStandardOutput = true,
        };
        using var git = Process.Start(start)!;
        var text = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        if (git.ExitCode != 0) throw new InvalidOperationException("git ls-files failed: the tidy tests need a git checkout");
        return text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(file => File.Exists(Path.Combine(Root, file))).ToList();
    }
}
