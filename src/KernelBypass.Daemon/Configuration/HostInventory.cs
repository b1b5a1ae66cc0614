namespace KernelBypass.Daemon.Configuration;

/// <summary>What a host has: CPUs, PCI devices, network interfaces, files.</summary>
/// <param name="Root">Where the host's file system begins: empty, or a directory in tests.</param>
internal sealed record HostInventory(string Root = "")
{
    /// <summary>Whether the CPU is on line.</summary>
    internal bool HasCpu(int cpu)
    {
        var online = Root + "/sys/devices/system/cpu/online";
        if (!File.Exists(online)) return cpu < Environment.ProcessorCount;
        return CpuList.Parse(File.ReadAllText(online).Trim()).Contains(cpu);
    }

    internal bool HasPciDevice(string address) =>
        Directory.Exists($"{Root}/sys/bus/pci/devices/{(address.Length == 7 ? "0000:" : "")}{address.ToLowerInvariant()}");

    internal bool HasInterface(string name) => Directory.Exists($"{Root}/sys/class/net/{name}");

    internal bool HasFile(string path) => File.Exists(Root + path);

    /// <summary>The data plane's executable: as given, or beside this process, or in PATH; null when there is none.</summary>
    internal static string? FindExecutable(string path)
    {
        if (path.Contains('/', StringComparison.Ordinal)) return File.Exists(path) ? Path.GetFullPath(path) : null;
        var beside = Path.Combine(AppContext.BaseDirectory, path);
        if (File.Exists(beside)) return beside;
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var candidate = Path.Combine(directory, path);
            if (File.Exists(candidate)) return candidate;
        }

        return null;
    }
}

/// <summary>CPU lists as the kernel and DPDK write them: <c>0-3,5</c>, or lcores on CPUs: <c>0@0,1@0</c>.</summary>
internal static class CpuList
{
    /// <summary>The CPUs that this process may run on.</summary>
    internal static string Allowed()
    {
        const string Key = "Cpus_allowed_list:";
        var line = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
        return line?[Key.Length..].Trim() ?? $"0-{Environment.ProcessorCount - 1}";
    }

    /// <summary>The CPUs that lcores run on.</summary>
    internal static IReadOnlyList<int> Cpus(string text) =>
        Parse(string.Join(',', text.Split(',').Select(part => part[(part.IndexOf('@', StringComparison.Ordinal) + 1)..])));

    /// <summary>The lcores, in order.</summary>
    internal static IReadOnlyList<int> Parse(string text)
    {
        var cpus = new SortedSet<int>();
        foreach (var part in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('@')[0].Split('-');
            if (!int.TryParse(ends[0], out var first) || !int.TryParse(ends[^1], out var last) || last > 4095) continue;
            for (var cpu = first; cpu <= last; cpu++) cpus.Add(cpu);
        }

        return [.. cpus];
    }
}
