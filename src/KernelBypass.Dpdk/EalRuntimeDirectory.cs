using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>EAL's run-time directory, dpdk/PREFIX, which DPDK itself leaves behind.</summary>
internal static class EalRuntimeDirectory
{
    /// <summary>Where the directories of all prefixes are, as eal_create_runtime_dir chooses it.</summary>
    internal static string Parent
    {
        get
        {
            string start = Libc.geteuid() == 0 ? "/var/run" : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") ?? "/tmp";
            return Path.Combine(start, "dpdk");
        }
    }

    internal static string Of(EalOptions options) => Path.Combine(Parent, options.EffectiveFilePrefix);

    /// <summary>Removes the directory of a prefix that no other process can have: its lock was ours, or its name is.</summary>
    internal static void Remove(EalOptions options)
    {
        string directory = Of(options);
        try
        {
            if (!Directory.Exists(directory))
                return;
            // In memory EAL takes no lock, so another process may share a prefix that was given.
            bool ours = options.FilePrefix is null || !options.InMemory;
            if (ours || !Directory.EnumerateFileSystemEntries(directory).Any())
                Directory.Delete(directory, recursive: ours);
        }
        catch (IOException)
        {
            // Another process came to use it meanwhile.
        }
        catch (UnauthorizedAccessException)
        {
            // Made by another user under the same prefix.
        }
    }

    /// <summary>Removes what crashed processes left under the prefixes that this library makes up.</summary>
    internal static void RemoveOrphans()
    {
        if (!Directory.Exists(Parent))
            return;
        foreach (string directory in Directory.EnumerateDirectories(Parent, EalOptions.OwnPrefix + "*"))
        {
            if (!int.TryParse(Path.GetFileName(directory).AsSpan(EalOptions.OwnPrefix.Length), out int process))
                continue;
            if (process != Environment.ProcessId && Directory.Exists($"/proc/{process}"))
                continue;
            if (IsLocked(Path.Combine(directory, "config")))
                continue;
            try
            {
                Directory.Delete(directory, recursive: true);
            }
            catch (IOException)
            {
                // Another process sweeps too.
            }
            catch (UnauthorizedAccessException)
            {
                // Another user's.
            }
        }
    }

    // A process in another container has a number that is not seen here; but EAL holds a lock (fcntl) on its configuration.
    private static bool IsLocked(string path)
    {
        if (!File.Exists(path))
            return false;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
#pragma warning disable CA1416 // Linux only, as DPDK here.
            file.Lock(0, long.MaxValue);
#pragma warning restore CA1416
            return false;
        }
        catch (IOException)
        {
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
    }
}
