using KernelBypass.Daemon.Configuration;

namespace KernelBypass.Daemon.Tests.Configuration;

/// <summary>--check asks the data-plane program what it knows; the program is the real one, beside the tests.</summary>
public sealed class StageCheckTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kb-check-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_pipeline_that_the_data_plane_has_passes()
    {
        var (code, error) = await CheckAsync(
            """
            pipeline:
              stages:
              - {name: rx}
              - {name: parse, options: {verify_ipv4_checksum: 1}}
              - {name: look, kind: classify, options: {cache_entries: 0}}
              - {name: actions}
              - {name: tx}
            """);
        Assert.Equal("", error);
        Assert.Equal(0, code);
    }

    [Theory]
    [InlineData("pipeline: {stages: [{name: rx}, {name: clasify}]}", "1:40: pipeline.stages[1].name: ", "did you mean 'classify'?")]
    [InlineData("pipeline: {stages: [{name: a, kind: prase}]}", "1:37: pipeline.stages[0].kind: ", "did you mean 'parse'?")]
    [InlineData("pipeline: {stages: [{name: zzzzzz}]}", "1:28: pipeline.stages[0].name: ", "kinds: rx, parse, classify")]
    [InlineData("pipeline: {stages: [{name: tx, options: {retrys: 3}}]}", "1:42: pipeline.stages[0].options.retrys: ", "did you mean 'retries'?")]
    [InlineData("pipeline: {stages: [{name: tx, options: {zzzzzz: 3}}]}", "1:42: pipeline.stages[0].options.zzzzzz: ", "its options: retries")]
    [InlineData("pipeline: {stages: [{name: rx, options: {x: 3}}]}", "1:42: pipeline.stages[0].options.x: ", "it has none")]
    [InlineData("pipeline: {stages: [{name: tx, options: {retries: 1001}}]}", "1:51: pipeline.stages[0].options.retries: ", "from 0 to 1000")]
    [InlineData("pipeline: {placement: [{stages: [rx, pars], lcores: [1]}]}", "1:38: pipeline.placement[0].stages[1]: ", "did you mean 'parse'?")]
    public async Task What_the_data_plane_lacks_is_an_error_with_its_place(string yaml, string place, string remedy)
    {
        var (code, error) = await CheckAsync(yaml);
        Assert.Equal(1, code);
        var line = Assert.Single(error.Split('\n'), line => line.Contains(place, StringComparison.Ordinal));
        Assert.Contains(remedy, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("exit 3", "it ended with 3")]
    [InlineData("echo hello", "is not a description")]
    [InlineData("echo '{\"stages\": 3}'", "is not a description")]
    public async Task A_program_that_does_not_answer_is_an_error_and_offline_skips_it(string script, string why)
    {
        var program = Path.Combine(_directory, "dataplane");
        await File.WriteAllTextAsync(program, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var yaml = $"dataplane: {{path: {program}}}\npipeline: {{stages: [{{name: rxx}}]}}\n";
        var (code, error) = await CheckAsync(yaml);
        Assert.Equal(1, code);
        Assert.Contains(":2:11: pipeline: cannot be checked", error, StringComparison.Ordinal);
        Assert.Contains(why, error, StringComparison.Ordinal);
        Assert.Contains("--offline", error, StringComparison.Ordinal);
        Assert.Equal((0, ""), await CheckAsync(yaml, "--offline"));
    }

    [Fact]
    public async Task A_file_that_is_no_program_is_an_error()
    {
        var program = Path.Combine(_directory, "dataplane");
        await File.WriteAllTextAsync(program, "no program");
        var (code, error) = await CheckAsync($"dataplane: {{path: {program}}}\npipeline: {{stages: [{{name: rx}}]}}\n");
        Assert.Equal(1, code);
        Assert.Contains("pipeline: cannot be checked", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_absent_program_is_told_once_and_only_when_it_is_needed()
    {
        const string External = "dataplane: {path: /no/such, supervise: external}\n";
        Assert.Equal((0, ""), await CheckAsync(External));
        var (_, error) = await CheckAsync(External + "pipeline: {stages: [{name: rx}]}\n");
        Assert.Contains(":2:11: pipeline: cannot be checked", error, StringComparison.Ordinal);
        (_, error) = await CheckAsync("dataplane: {path: /no/such}\npipeline: {stages: [{name: rx}]}\n");
        Assert.Contains(":1:19: dataplane.path: ", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    private async Task<(int Code, string Error)> CheckAsync(string yaml, params string[] more)
    {
        var path = Path.Combine(_directory, "kb.yaml");
        await File.WriteAllTextAsync(path, yaml);
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await DaemonProgram.RunAsync(["--check", "--config", path, .. more], output, errors);
        return (code, errors.ToString());
    }
}
