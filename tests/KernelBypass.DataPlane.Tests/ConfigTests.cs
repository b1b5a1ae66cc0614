using System.Text;
using System.Text.Json;
using KernelBypass.DataPlane.Configuration;

namespace KernelBypass.DataPlane.Tests;

public sealed class ConfigTests
{
    [Fact]
    public void An_empty_object_has_every_default()
    {
        var config = Parse("{}");
        Assert.Equal("/run/kernelbypass", config.RunDir);
        Assert.Equal(64, config.Limits.Tables);
        Assert.Equal(1u << 20, config.Limits.Flows);
    }

    [Theory]
    [InlineData("{ \"limits\": { \"tabels\": 3 } }", "tabels")]
    [InlineData("{ \"limits\": { \"flows\": \"many\" } }", "$.limits.flows")]
    [InlineData("{ \"limits\": { \"tables\": 255 } }", "limits.tables is 255; it must be 1 to 254")]
    [InlineData("{ \"eal\": { \"iova_mode\": \"sideways\" } }", "must be one of auto, va, pa")]
    [InlineData("{ \"idle\": { \"main_wait_us\": -1 } }", "idle.main_wait_us is -1")]
    [InlineData("[1]", "file.json")]
    [InlineData("{ \"run_dir\": ", "file.json:1")]
    [InlineData("null", "is 'null'")]
    public void What_is_wrong_is_named_with_its_place(string json, string expected)
    {
        var refused = Assert.Throws<ConfigException>(() => Parse(json));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.StartsWith("file.json", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Command_line_errors_and_exit_codes()
    {
        Assert.NotNull(CommandLine.Parse([]).Error);
        Assert.NotNull(CommandLine.Parse(["--config"]).Error);
        Assert.NotNull(CommandLine.Parse(["--wat"]).Error);
        Assert.Null(CommandLine.Parse(["--config", "x", "--check"]).Error);
        using var process = DataPlaneProcess.Launch("--config", "/nonexistent.json");
        var text = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(2, process.ExitCode);
        Assert.Contains("/nonexistent.json", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Describe_is_json_with_stages_drop_reasons_and_metrics()
    {
        using var document = JsonDocument.Parse(Describe.Text());
        Assert.Contains("classify", document.RootElement.GetProperty("stages").EnumerateArray()
            .Select(stage => stage.GetProperty("kind").GetString()));
        Assert.True(document.RootElement.GetProperty("drop_reasons").GetArrayLength() > 10);
        var names = document.RootElement.GetProperty("metrics").EnumerateArray()
            .Select(metric => metric.GetProperty("name").GetString()).ToList();
        Assert.Contains("kernelbypass_dataplane_gc_collections", names);
        Assert.Equal(names.Count, names.Distinct().Count());
    }

    private static DataPlaneConfig Parse(string json) => ConfigFile.Parse(Encoding.UTF8.GetBytes(json), "file.json");
}
