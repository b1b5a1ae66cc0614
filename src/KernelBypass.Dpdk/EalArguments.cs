using System.Globalization;
using System.Text.RegularExpressions;

namespace KernelBypass.Dpdk;

/// <summary>Checks <see cref="EalOptions"/> and writes them as EAL's command line.</summary>
internal static partial class EalArguments
{
    private const uint DefaultNoHugeMegabytes = 256;

    internal static List<string> Build(EalOptions options)
    {
        Validate(options);
        var arguments = new List<string>();
        AddLcores(options, arguments);
        AddMemory(options, arguments);
        AddDevices(options, arguments);
        arguments.Add($"--file-prefix={options.EffectiveFilePrefix}");
        if (options.IovaMode != IovaMode.Auto)
            arguments.Add(options.IovaMode == IovaMode.Virtual ? "--iova-mode=va" : "--iova-mode=pa");
        // A pattern: EAL's plain --log-level does not touch the components' own levels.
        arguments.Add($"--log-level=*:{LevelName(options.LogLevel)}");
        foreach ((string component, DpdkLogLevel level) in options.ComponentLogLevels)
            arguments.Add($"--log-level={component}:{LevelName(level)}");
        if (!options.Telemetry)
            arguments.Add("--no-telemetry");
        arguments.AddRange(options.ExtraArguments);
        return arguments;
    }

    internal static string LevelName(DpdkLogLevel level) => level switch
    {
        DpdkLogLevel.Emergency => "emergency",
        DpdkLogLevel.Alert => "alert",
        DpdkLogLevel.Critical => "critical",
        DpdkLogLevel.Error => "error",
        DpdkLogLevel.Warning => "warning",
        DpdkLogLevel.Notice => "notice",
        DpdkLogLevel.Info => "info",
        DpdkLogLevel.Debug => "debug",
        _ => throw new EalException($"Log level {(int)level} does not exist: DPDK's go from 1 (emergency) to 8 (debug)."),
    };

    private static void AddLcores(EalOptions options, List<string> arguments)
    {
        if (options.Lcores is not null)
            arguments.Add($"--lcores={options.Lcores}");
        if (options.MainLcore is uint main)
            arguments.Add(string.Create(CultureInfo.InvariantCulture, $"--main-lcore={main}"));
    }

    private static void AddMemory(EalOptions options, List<string> arguments)
    {
        uint? megabytes = options.MemoryMegabytes ?? (options.NoHuge ? DefaultNoHugeMegabytes : null);
        if (megabytes is uint size)
        {
            arguments.Add("-m");
            arguments.Add(size.ToString(CultureInfo.InvariantCulture));
        }

        if (options.NoHuge)
            arguments.Add("--no-huge");
        else if (!options.InMemory && options.HugeUnlink == HugeUnlink.Always)
            arguments.Add("--huge-unlink=always");
        if (options.InMemory)
            arguments.Add("--in-memory");
        if (options.HugeDirectory is not null)
            arguments.Add($"--huge-dir={options.HugeDirectory}");
        if (options.SocketMemoryMegabytes.Count != 0)
            arguments.Add($"--socket-mem={string.Join(',', options.SocketMemoryMegabytes)}");
        if (options.SocketLimitMegabytes.Count != 0)
            arguments.Add($"--socket-limit={string.Join(',', options.SocketLimitMegabytes)}");
    }

    private static void AddDevices(EalOptions options, List<string> arguments)
    {
        if (options.NoPci)
            arguments.Add("--no-pci");
        foreach (string device in options.AllowPci)
            arguments.Add($"--allow={device}");
        foreach (string device in options.BlockPci)
            arguments.Add($"--block={device}");
        foreach (string device in options.Vdevs)
            arguments.Add($"--vdev={device}");
    }

    private static void Validate(EalOptions options)
    {
        if (options.Lcores is string lcores && !LcoresPattern().IsMatch(lcores))
        {
            throw new EalException($"Lcores \"{lcores}\" is not a list of lcores: write lcore@cpu pairs such as \"0@0,1@1\", " +
                "ranges such as \"0-3\", or groups such as \"(0-1)@0\".");
        }

        if (options.NoHuge && options.InMemory)
        {
            throw new EalException("NoHuge and InMemory do not go together: without hugepages there are no files to avoid. " +
                "Leave InMemory out.");
        }

        if (options.NoHuge && (options.HugeDirectory is not null || options.SocketMemoryMegabytes.Count != 0))
        {
            throw new EalException("NoHuge takes no HugeDirectory and no SocketMemoryMegabytes: those are of hugepages. " +
                "Use MemoryMegabytes.");
        }
        if (options.HugeDirectory is string directory && !Directory.Exists(directory))
        {
            throw new EalException($"HugeDirectory {directory} does not exist. Mount it: " +
                $"mkdir -p {directory} && mount -t hugetlbfs none {directory}");
        }

        if (options.MemoryMegabytes is 0 or > 0x7fff_ffff)
            throw new EalException($"MemoryMegabytes {options.MemoryMegabytes} cannot be: give 1 or more.");
        if (options.MemoryMegabytes is not null && options.SocketMemoryMegabytes.Count != 0)
            throw new EalException("MemoryMegabytes and SocketMemoryMegabytes exclude each other: EAL takes one of them.");
        ValidateDevices(options);
        if (!PrefixPattern().IsMatch(options.EffectiveFilePrefix))
        {
            throw new EalException($"FilePrefix \"{options.FilePrefix}\" cannot be a file name: use letters, digits, " +
                "'-', '_' and '.', at most 32 characters.");
        }

        foreach (string component in options.ComponentLogLevels.Keys)
        {
            if (component.Length == 0 || component.AsSpan().ContainsAny(',', ':'))
            {
                throw new EalException($"\"{component}\" is not a component of DPDK's log: write for example \"lib.eal\" " +
                    "or \"pmd.net.*\".");
            }
        }
    }

    private static void ValidateDevices(EalOptions options)
    {
        if (options.NoPci && options.AllowPci.Count + options.BlockPci.Count != 0)
            throw new EalException("NoPci with AllowPci or BlockPci: either leave the PCI bus alone or name devices on it.");
        if (options.AllowPci.Count != 0 && options.BlockPci.Count != 0)
            throw new EalException("AllowPci and BlockPci exclude each other: EAL takes one list.");
        foreach (string device in options.AllowPci)
            ValidatePci("AllowPci", device);
        foreach (string device in options.BlockPci)
            ValidatePci("BlockPci", device);
        foreach (string device in options.Vdevs)
        {
            if (!VdevPattern().IsMatch(device))
            {
                throw new EalException($"Vdevs: \"{device}\" is not a virtual device: write driver and number with arguments, " +
                    "for example \"net_null0\" or \"net_pcap0,iface=eth0\".");
            }
        }
    }

    private static void ValidatePci(string option, string device)
    {
        if (!PciPattern().IsMatch(device))
        {
            throw new EalException($"{option}: \"{device}\" is not a PCI address: write [domain:]bus:device.function in " +
                "hexadecimal, for example \"0000:03:00.1\" (see: lspci -D | grep -i ethernet).");
        }
    }

    [GeneratedRegex(@"^[0-9@,()\-]+$")]
    private static partial Regex LcoresPattern();

    [GeneratedRegex(@"^[A-Za-z0-9_.\-]{1,32}$")]
    private static partial Regex PrefixPattern();

    [GeneratedRegex(@"^([0-9a-fA-F]{1,8}:)?[0-9a-fA-F]{1,2}:[0-9a-fA-F]{1,2}\.[0-7](,.+)?$")]
    private static partial Regex PciPattern();

    [GeneratedRegex(@"^[a-z][A-Za-z0-9_\-]*(,.+)?$")]
    private static partial Regex VdevPattern();
}
