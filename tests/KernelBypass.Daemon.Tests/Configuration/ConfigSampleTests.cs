using System.Text.Json;
using KernelBypass.Daemon.Configuration;

namespace KernelBypass.Daemon.Tests.Configuration;

public sealed class ConfigSampleTests
{
    private static readonly string s_config = Path.Combine(AppContext.BaseDirectory, "config");

    public static TheoryData<string> Samples => [.. Directory.GetFiles(s_config, "*.yaml").Select(path => Path.GetFileName(path))];

    private static async Task<(int Code, string Out, string Error)> RunAsync(params string[] args)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await DaemonProgram.RunAsync(args, output, errors);
        return (code, output.ToString(), errors.ToString());
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task Samples_pass_check(string sample)
    {
        var (code, _, error) = await RunAsync("--check", "--offline", "--config", Path.Combine(s_config, sample));
        Assert.Equal("", error);
        Assert.Equal(0, code);
    }

    [Fact]
    public void There_is_a_sample_for_each_deployment_shape() => Assert.Equal(
        ["af-xdp.yaml", "bare-metal-vfio.yaml", "embedded.yaml", "netns-lab.yaml"],
        Directory.GetFiles(s_config, "*.yaml").Select(path => Path.GetFileName(path)).Order());

    [Fact]
    public void The_committed_schema_is_that_of_the_code() => Assert.Equal(
        ConfigJsonSchema.Render(), File.ReadAllText(Path.Combine(s_config, "kernelbypass.schema.json")));

    [Fact]
    public void The_committed_reference_is_that_of_the_code() => Assert.Contains(
        ConfigReference.Render(),
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "configuration.md")),
        StringComparison.Ordinal);

    [Fact]
    public async Task Check_lists_every_error_and_exits_with_1()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "idel: 1\nlogging: {level: loud}\n");
            var (code, output, error) = await RunAsync("--check", "--offline", $"--config={path}");
            Assert.Equal(1, code);
            Assert.Equal("", output);
            Assert.Equal(2, error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            Assert.StartsWith($"{path}:1:1: idel: ", error, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task An_absent_file_is_an_error()
    {
        var (code, _, error) = await RunAsync("--check", "--config", "/no/such.yaml");
        Assert.Equal(1, code);
        Assert.Contains("/no/such.yaml:1:1: cannot be read", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--chek")]
    [InlineData("--config")]
    [InlineData("--offline")]
    [InlineData("--check", "--schema")]
    [InlineData("stray")]
    public async Task Wrong_command_lines_exit_with_2(params string[] args)
    {
        var (code, _, error) = await RunAsync(args);
        Assert.Equal(2, code);
        Assert.Contains("--help", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_and_version_exit_with_0()
    {
        Assert.Equal(0, (await RunAsync("--help")).Code);
        Assert.Matches("^kernelbypassd [0-9]+\\.[0-9]+\\.[0-9]+", (await RunAsync("--version")).Out);
    }

    [Fact]
    public async Task The_data_planes_document_has_its_sections()
    {
        var path = Path.Combine(s_config, "bare-metal-vfio.yaml");
        var (code, output, _) = await RunAsync("--render-dataplane", "--offline", "--config", path);
        Assert.Equal(0, code);
        using var document = JsonDocument.Parse(output);
        var root = document.RootElement;
        Assert.Equal("1-5", root.GetProperty("eal").GetProperty("lcores").GetString());
        Assert.Equal(["0000:03:00.0", "0000:03:00.1"],
            root.GetProperty("eal").GetProperty("pci_allow").EnumerateArray().Select(item => item.GetString()));
        Assert.Equal(4_194_304, root.GetProperty("limits").GetProperty("flows").GetInt32());
        Assert.Equal(0, root.GetProperty("idle").GetProperty("max_sleep_us").GetInt32());
    }
}
