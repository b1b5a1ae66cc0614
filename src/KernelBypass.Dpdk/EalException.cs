using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>
/// EAL could not start. The message names the likely cause and the remedy; <see cref="Log"/> has DPDK's own words.
/// </summary>
public sealed class EalException : DpdkException
{
    /// <summary>Makes one for options that cannot be.</summary>
    public EalException(string message)
        : base(message)
    {
    }

    private EalException(string message, int errno, IReadOnlyList<DpdkLogEntry> log)
        : base(message, errno) => Log = log;

    /// <summary>What DPDK logged on the way.</summary>
    public IReadOnlyList<DpdkLogEntry> Log { get; } = [];

    // What DPDK logs when a cause applies, most telling first; {0} is the file prefix.
    private static readonly (string Fragment, string Remedy)[] s_causes =
    [
        ("Is another primary process running?",
            "The file prefix \"{0}\" is in use by another process. Give each process its own EalOptions.FilePrefix."),
        ("Not enough memory available",
            "There is not enough memory. Reserve more hugepages (sysctl -w vm.nr_hugepages=N) or ask for less."),
        ("No free hugepages reported",
            "No hugepages are free. Reserve some: sysctl -w vm.nr_hugepages=512 (1 GB of 2 MB pages), or use NoHuge."),
        ("no mounted hugetlbfs found",
            "hugetlbfs is not mounted. mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages, or use NoHuge."),
        ("Cannot get hugepage information",
            "There are no hugepages. Reserve some: sysctl -w vm.nr_hugepages=512, mount hugetlbfs, or use NoHuge."),
        ("FATAL: Cannot use IOVA as 'PA'",
            "Physical addresses need root and /proc/self/pagemap. Use IovaMode.Virtual, or run as root."),
        ("unable to parse device", "A device address is wrong. Compare it with: lspci -D, or: dpdk-devbind.py --status"),
        ("failed to parse device", "A device address is wrong. Compare it with: lspci -D, or: dpdk-devbind.py --status"),
        ("Unable to parse", "A device address or argument is wrong; see the lines below."),
        ("failed to initialize", "A virtual device did not start; see the lines below. Port.Attach tells more."),
        ("Cannot probe devices", "A device did not start; see the lines below."),
        ("invalid parameter for --lcores", "EalOptions.Lcores is not a list of lcores; write for example \"0@0,1@1\"."),
        ("invalid core list", "EalOptions.Lcores names a CPU that this machine has not."),
        ("Failed to get current CPU affinity", "EalOptions.Lcores names a CPU that this process may not use."),
        ("Invalid 'command line' arguments", "EAL does not take one of the arguments; see the lines below."),
        ("Permission denied", "A file may not be opened: run as root, or give the user the rights to it; see the lines below."),
    ];

    internal static EalException Diagnose(EalOptions options, int error, IReadOnlyList<DpdkLogEntry> log)
    {
        int errno = Math.Abs(error);
        string cause = Cause(log) is string remedy
            ? string.Format(System.Globalization.CultureInfo.InvariantCulture, remedy, options.EffectiveFilePrefix)
            : Reason(errno);
        return new EalException(
            $"EAL did not start. {cause}\nDPDK said (errno {errno}):{Worst(log)}\n" +
            $"Arguments: {string.Join(' ', options.ToArguments())}", errno, log);
    }

    internal static EalException DeviceMissing(string device, IReadOnlyList<DpdkLogEntry> log)
    {
        string remedy = device.Contains(':', StringComparison.Ordinal) && !device.StartsWith("net_", StringComparison.Ordinal)
            ? "Is it there (lspci -D), an Ethernet device, and bound to vfio-pci (dpdk-devbind.py --status)?"
            : "Are driver and arguments right?";
        return new EalException($"EAL started, but device {device} did not, so it was ended again. {remedy}{Worst(log)}", 0, log);
    }

    private static string Worst(IReadOnlyList<DpdkLogEntry> log) => string.Concat(log
        .Where(entry => entry.Level <= DpdkLogLevel.Warning)
        .Select(entry => $"\n  {(entry.Component.Length == 0 ? "" : entry.Component + ": ")}{entry.Message}"));

    internal static string? Cause(IReadOnlyList<DpdkLogEntry> log)
    {
        foreach ((string fragment, string remedy) in s_causes)
        {
            if (log.Any(entry => entry.Message.Contains(fragment, StringComparison.OrdinalIgnoreCase)))
                return remedy;
        }

        return null;
    }

    private static unsafe string Reason(int errno) => $"{Kb.Text(Kb.kb_strerror(errno))}.";
}
