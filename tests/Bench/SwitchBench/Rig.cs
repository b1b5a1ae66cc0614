using KernelBypass.SwitchBench.Traffic;

namespace KernelBypass.SwitchBench;

/// <summary>The folder in which everything of a run is: packets, rules, logs. Goes away with the run.</summary>
internal sealed class Rig : IDisposable
{
    internal Rig()
    {
        Folder = Directory.CreateTempSubdirectory("kbbench-").FullName;
        Root = FindRoot();
    }

    internal string Folder { get; }

    /// <summary>The checkout.</summary>
    internal string Root { get; }

    internal string Programs => Path.Combine(Root, "artifacts", "publish");

    /// <summary>A capture file of a traffic, made when first asked for.</summary>
    internal string Packets(TrafficShape shape)
    {
        var path = Path.Combine(Folder, shape.FileName);
        if (!File.Exists(path)) PacketFiles.Write(path, shape);
        return path;
    }

    /// <summary>A text file with these lines, made when first asked for.</summary>
    internal string Lines(string name, Func<IEnumerable<string>> lines)
    {
        var path = Path.Combine(Folder, name);
        if (!File.Exists(path)) File.WriteAllLines(path, lines());
        return path;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KernelBypass.sln"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("KernelBypass.sln is in no folder above the bench");
    }
}
