namespace KernelBypass.Dpdk.Tests;

public sealed class EalArgumentsTests
{
    [Fact]
    public void Every_option_becomes_its_argument()
    {
        var options = new EalOptions
        {
            Lcores = "0@0,1@1",
            MainLcore = 0,
            FilePrefix = "kb",
            SocketMemoryMegabytes = [512, 256],
            SocketLimitMegabytes = [1024, 1024],
            HugeDirectory = "/",
            AllowPci = ["0000:03:00.0", "04:00.1,queues=4"],
            Vdevs = ["net_null0", "net_pcap0,iface=lo"],
            IovaMode = IovaMode.Virtual,
            LogLevel = DpdkLogLevel.Notice,
            ComponentLogLevels = new Dictionary<string, DpdkLogLevel> { ["pmd.net.*"] = DpdkLogLevel.Debug },
            ExtraArguments = ["--match-allocations"],
        };

        Assert.Equal(
            [
                "--lcores=0@0,1@1", "--main-lcore=0", "--huge-unlink=always", "--huge-dir=/", "--socket-mem=512,256",
                "--socket-limit=1024,1024", "--allow=0000:03:00.0", "--allow=04:00.1,queues=4", "--vdev=net_null0",
                "--vdev=net_pcap0,iface=lo", "--file-prefix=kb", "--iova-mode=va", "--log-level=*:notice",
                "--log-level=pmd.net.*:debug", "--no-telemetry", "--match-allocations",
            ],
            options.ToArguments());
    }

    [Fact]
    public void Without_hugepages_there_is_memory_enough_and_no_hugepage_argument() => Assert.Equal(
        ["-m", "256", "--no-huge", "--no-pci", "--file-prefix=kb", "--log-level=*:info", "--no-telemetry"],
        new EalOptions { NoHuge = true, NoPci = true, FilePrefix = "kb" }.ToArguments());

    [Fact]
    public void In_memory_has_no_files_to_unlink() => Assert.Equal(
        ["--in-memory", "--block=0000:00:1f.6", "--file-prefix=kb", "--iova-mode=pa", "--log-level=*:debug"],
        new EalOptions
        {
            InMemory = true,
            BlockPci = ["0000:00:1f.6"],
            FilePrefix = "kb",
            IovaMode = IovaMode.Physical,
            LogLevel = DpdkLogLevel.Debug,
            Telemetry = true,
        }.ToArguments());

    [Fact]
    public void Without_a_prefix_each_process_has_its_own() =>
        Assert.Equal($"kernelbypass-{Environment.ProcessId}", new EalOptions().EffectiveFilePrefix);

    private static readonly Dictionary<string, DpdkLogLevel> s_notAComponent = new() { ["a:b"] = DpdkLogLevel.Info };

    public static TheoryData<string, EalOptions> Refused() => new()
    {
        { "\"0 @ 0\" is not a list of lcores", new EalOptions { Lcores = "0 @ 0" } },
        { "NoHuge and InMemory do not go together", new EalOptions { NoHuge = true, InMemory = true } },
        { "NoHuge takes no HugeDirectory", new EalOptions { NoHuge = true, HugeDirectory = "/" } },
        { "mount -t hugetlbfs none /kb-absent", new EalOptions { HugeDirectory = "/kb-absent" } },
        { "MemoryMegabytes 0 cannot be", new EalOptions { MemoryMegabytes = 0 } },
        { "exclude each other", new EalOptions { MemoryMegabytes = 64, SocketMemoryMegabytes = [64] } },
        { "NoPci with AllowPci", new EalOptions { NoPci = true, AllowPci = ["0000:03:00.0"] } },
        { "AllowPci and BlockPci exclude", new EalOptions { AllowPci = ["0000:03:00.0"], BlockPci = ["0000:03:00.1"] } },
        { "AllowPci: \"eth0\" is not a PCI address", new EalOptions { AllowPci = ["eth0"] } },
        { "BlockPci: \"0000:03:00.9\" is not a PCI address", new EalOptions { BlockPci = ["0000:03:00.9"] } },
        { "Vdevs: \"NULL 0\" is not a virtual device", new EalOptions { Vdevs = ["NULL 0"] } },
        { "FilePrefix \"a/b\" cannot be a file name", new EalOptions { FilePrefix = "a/b" } },
        { "Log level 9 does not exist", new EalOptions { LogLevel = (DpdkLogLevel)9 } },
        { "is not a component", new EalOptions { ComponentLogLevels = s_notAComponent } },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Options_that_cannot_be_are_refused_by_name(string reason, EalOptions options) =>
        Assert.Contains(reason, Assert.Throws<EalException>(() => options.ToArguments()).Message, StringComparison.Ordinal);
}
