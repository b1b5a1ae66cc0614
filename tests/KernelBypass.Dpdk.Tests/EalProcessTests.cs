namespace KernelBypass.Dpdk.Tests;

/// <summary>What needs an EAL of its own, each in a child process.</summary>
public sealed class EalProcessTests
{
    [Fact]
    public void A_prefix_in_use_is_named_with_the_remedy()
    {
        string prefix = $"kbtest{Environment.ProcessId}";
        (int code, string output) = ChildProcess.Run("hold", prefix);
        Assert.True(code == 0, output);
        Assert.Contains($"The file prefix \"{prefix}\" is in use by another process", output, StringComparison.Ordinal);
        Assert.Contains("EalOptions.FilePrefix", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(EalRuntimeDirectory.Parent, prefix)));
    }

    [Fact]
    public void An_unknown_cpu_is_named_with_the_remedy()
    {
        (int code, string output) = ChildProcess.Run("init", "lcores=0@1000");
        Assert.Equal(1, code);
        Assert.Contains("EalOptions.Lcores", output, StringComparison.Ordinal);
    }

    [Fact]
    public void No_hugepages_is_named_with_the_remedy()
    {
        // More than any test machine reserves; in memory, so that no file stays.
        (int code, string output) = ChildProcess.Run("init", "huge=memory", "memory=4000000");
        Assert.Equal(1, code);
        Assert.Contains("vm.nr_hugepages", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vdev_that_fails_is_named()
    {
        (int code, string output) = ChildProcess.Run("init", "vdev=net_af_packet0,iface=kbnothere");
        Assert.Equal(1, code);
        Assert.Contains("device net_af_packet0,iface=kbnothere did not", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vdev_of_the_options_is_a_port()
    {
        (int code, string output) = ChildProcess.Run("init", "vdev=net_null3,size=100");
        Assert.True(code == 0, output);
    }

    [Theory]
    [InlineData("03:00.1", "0000:03:00.1")]
    [InlineData("1:0A:1f.7", "0001:0a:1f.7")]
    [InlineData("10000:e1:00.0", "10000:e1:00.0")]
    public void Pci_addresses_are_compared_as_dpdk_writes_them(string address, string full)
    {
        Assert.Equal(full, EalDevices.FullAddress(address));
        var options = new EalOptions { AllowPci = [address + ",arg=1"] };
        Assert.Null(EalDevices.FirstMissing(options, [full]));
        Assert.Equal(address + ",arg=1", EalDevices.FirstMissing(options, ["0000:03:00.7"]));
    }

    [Fact]
    public void An_unknown_argument_is_named()
    {
        (int code, string output) = ChildProcess.Run("init", "extra=--kb-unknown");
        Assert.Equal(1, code);
        Assert.Contains("--kb-unknown", output, StringComparison.Ordinal);
        Assert.Contains("EAL does not take one of the arguments", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Eal_starts_once_a_process()
    {
        (int code, string output) = ChildProcess.Run("init-twice");
        Assert.Equal(1, code);
        Assert.Contains("already started in this process", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_run_time_directory_is_there_while_it_runs_and_not_after()
    {
        (int code, string output) = ChildProcess.Run("cleanup");
        Assert.True(code == 0, output);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.EndsWith(" True", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(" False", lines[1], StringComparison.Ordinal);
        Assert.False(Directory.Exists(lines[0].Split(' ')[0]));
    }

    [Fact]
    public void A_crashed_process_s_directory_is_swept_by_the_next()
    {
        // No process has this number: the kernel's largest is 4,194,304.
        string orphan = Path.Combine(EalRuntimeDirectory.Parent, "kernelbypass-4999999");
        Directory.CreateDirectory(orphan);
        File.WriteAllText(Path.Combine(orphan, "config"), "");
        (int code, string output) = ChildProcess.Run("init");
        Assert.True(code == 0, output);
        Assert.False(Directory.Exists(orphan));
    }

    [Fact]
    public void A_directory_that_another_process_has_locked_is_not_swept()
    {
        string held = Path.Combine(EalRuntimeDirectory.Parent, "kernelbypass-4999998");
        (int code, string output) = ChildProcess.Run("hold-and-sweep", Path.GetFileName(held));
        Assert.True(code == 0, output);
        Assert.False(Directory.Exists(held));
    }

    [Fact]
    public void A_process_that_forwards_on_a_lcore_allocates_nothing_at_all()
    {
        (int code, string output) = ChildProcess.Run("no-allocation");
        Assert.True(code == 0, output);
    }

    [Fact]
    public void A_handler_that_fails_does_not_end_the_process()
    {
        (int code, string output) = ChildProcess.Run("bad-handler");
        Assert.True(code == 0, output);
        Assert.Contains("A handler failed on", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_main_lcore_is_pinned_and_no_other_thread()
    {
        (int code, string output) = ChildProcess.Run("affinity");
        Assert.True(code == 0, output);
    }

    [Fact]
    public void A_running_lcore_keeps_eal_from_ending()
    {
        (int code, string output) = ChildProcess.Run("dispose-while-running");
        Assert.True(code == 0, output);
        Assert.Contains("lcore 1 still runs", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_root_and_hugepages_null_ring_and_pcap_pass_packets()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("kbnobody");
        try
        {
            const UnixFileMode Everyone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
                UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
                UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
            File.SetUnixFileMode(directory.FullName, Everyone);
            string capture = Path.Combine(directory.FullName, "in.pcap");
            PcapFile.Write(capture, Traffic.Frame(60, 1));
            File.SetUnixFileMode(capture, Everyone);
            (int code, string output) = ChildProcess.Run(
                [("XDG_RUNTIME_DIR", directory.FullName)], ["without-root", directory.FullName, capture]);
            Assert.True(code == 0, output);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
