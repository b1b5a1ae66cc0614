using KernelBypass.EndToEnd.Tests.Lab;

namespace KernelBypass.EndToEnd.Tests.Operations;

/// <summary>What deploy/ holds is right as far as this machine can tell.</summary>
public class DeployTests
{
    private static string Root => Path.GetFullPath(Path.Combine(SwitchUnderTest.Programs, "..", ".."));

    [Fact]
    public void Units_verify_clean_once_installed()
    {
        var target = Directory.CreateTempSubdirectory("kbinstall-").FullName;
        try
        {
            Shell.Must($"env DESTDIR={target} PREFIX={target}/usr {Root}/deploy/install.sh install");
            var units = Directory.GetFiles(Path.Combine(target, "etc", "systemd", "system"), "*.service");
            Assert.Equal(2, units.Length);

            // DESTDIR is part of PREFIX here, so that the binaries are where the units say.
            foreach (var unit in units)
            {
                var text = File.ReadAllText(unit);
                File.WriteAllText(unit, text.Replace($"{target}/usr/bin", $"{target}{target}/usr/bin", StringComparison.Ordinal));
            }

            foreach (var link in Directory.GetFiles($"{target}{target}/usr/bin"))
            {
                File.Delete(link);
                File.Copy($"{target}{target}/usr/lib/kernelbypass/{Path.GetFileName(link)}", link);
            }

            var verify = Shell.Run("systemd-analyze", ["verify", .. units]);
            Assert.True(verify.Code == 0 && verify.All.Length == 0, verify.All);
        }
        finally
        {
            Directory.Delete(target, recursive: true);
        }
    }

    [Fact]
    public void Host_set_up_is_applied_and_undone()
    {
        const string Pages = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
        var state = Path.GetTempFileName();
        File.Delete(state);
        var before = File.ReadAllText(Pages);
        var count = int.Parse(before, System.Globalization.CultureInfo.InvariantCulture) + 2;
        var script = $"env KERNELBYPASS_SETUP_STATE={state} {Root}/deploy/host-setup.sh";
        try
        {
            Shell.Must($"{script} apply --hugepages {count}");
            Assert.Equal(count, int.Parse(File.ReadAllText(Pages), System.Globalization.CultureInfo.InvariantCulture));
        }
        finally
        {
            Shell.Must($"{script} undo");
        }

        Assert.Equal(before, File.ReadAllText(Pages));
        Assert.False(File.Exists(state));
    }

    [Fact]
    public void Host_set_up_refuses_a_device_that_is_not_there()
    {
        var result = Shell.Run($"{Root}/deploy/host-setup.sh", ["apply", "--hugepages", "0", "--nic", "ffff:ff:1f.7"]);
        Assert.NotEqual(0, result.Code);
        Assert.Contains("ffff:ff:1f.7", result.Error, StringComparison.Ordinal);
    }
}
