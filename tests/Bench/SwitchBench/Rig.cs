using KernelBypass.SwitchBench.Duts;
using KernelBypass.SwitchBench.Traffic;

namespace KernelBypass.SwitchBench;

/// <summary>Hugepages, and the folder in which everything of a run is: packets, rules, logs. Both go away with the run.</summary>
internal sealed class Rig : IDisposable
{
    private const string HugepagesFile = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";

    /// <summary>6 GiB: a million packets of 64 bytes, an mbuf each, and room for the programs.</summary>
    private const int Hugepages = 3072;

    private const string MountPoint = "/dev/hugepages";

    private readonly bool _mounted;
    private readonly string _hugepagesBefore = File.ReadAllText(HugepagesFile);

    internal Rig()
    {
        File.WriteAllText(HugepagesFile, $"{Hugepages}");
        if (int.Parse(File.ReadAllText(HugepagesFile), System.Globalization.CultureInfo.InvariantCulture) < Hugepages)
            throw new InvalidOperationException($"{Hugepages} hugepages cannot be had: free some memory");
        if (!File.ReadAllText("/proc/mounts").Contains(" hugetlbfs ", StringComparison.Ordinal))
        {
            ProcessRun.Must($"mkdir -p {MountPoint} && mount -t hugetlbfs none {MountPoint}");
            _mounted = true;
        }

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

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        if (_mounted) ProcessRun.Must($"umount {MountPoint}");
        File.WriteAllText(HugepagesFile, _hugepagesBefore.Trim());
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KernelBypass.sln"))) directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("KernelBypass.sln is in no folder above the bench");
    }
}
