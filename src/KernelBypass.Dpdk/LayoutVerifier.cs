using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>
/// Compares the struct layouts and constants of this assembly with those that libkbdpdk was compiled with. A wrong offset
/// would corrupt packets silently, so EAL does not start with one.
/// </summary>
public static unsafe class LayoutVerifier
{
    /// <summary>Throws <see cref="DpdkException"/> that lists every difference, when there is any.</summary>
    public static void Verify()
    {
        uint abi = Kb.kb_abi_version();
        if (abi != Kb.AbiVersion)
        {
            throw new DpdkException($"libkbdpdk speaks ABI {abi}, this program {Kb.AbiVersion}: they come from different " +
                "builds. Build the library again with native/build.sh.");
        }

        Verify(Reported());
    }

    /// <summary>The version of DPDK that is loaded, for example "DPDK 22.11.11".</summary>
    public static string DpdkVersion => Kb.Text(Kb.kb_dpdk_version(0));

    internal static void Verify(IReadOnlyDictionary<string, ulong> reported)
    {
        List<string> differences = Differences(LayoutTable.Expected(), reported);
        if (differences.Count == 0)
            return;
        throw new DpdkException(
            $"libkbdpdk (compiled against {Kb.Text(Kb.kb_dpdk_version(1))}) and this program disagree on " +
            $"{differences.Count} layout value(s), so packets would be misread:\n  {string.Join("\n  ", differences)}\n" +
            "Build libkbdpdk and the program from one source tree, against a supported DPDK (22.11, 23.11, 24.11).");
    }

    internal static Dictionary<string, ulong> Reported()
    {
        uint count;
        LayoutEntry* entries = Kb.kb_layout_table(&count);
        var table = new Dictionary<string, ulong>(StringComparer.Ordinal);
        for (uint i = 0; i < count; i++)
            table[Kb.Text(entries[i].name)] = entries[i].value;
        return table;
    }

    internal static List<string> Differences(
        IReadOnlyDictionary<string, ulong> expected, IReadOnlyDictionary<string, ulong> reported)
    {
        var differences = new List<string>();
        foreach ((string name, ulong value) in expected)
        {
            if (!reported.TryGetValue(name, out ulong other))
                differences.Add($"{name}: {value} here, not known to libkbdpdk");
            else if (other != value)
                differences.Add($"{name}: {value} here, {other} in libkbdpdk");
        }

        foreach ((string name, ulong value) in reported)
        {
            if (!expected.ContainsKey(name))
                differences.Add($"{name}: not known here, {value} in libkbdpdk");
        }

        return differences;
    }
}
