using System.Text.Json;
using KernelBypass.V1;

namespace KernelBypass.Cli.Tests;

public class KbctlTests(FakeSwitch fake) : IClassFixture<FakeSwitch>
{
    [Fact]
    public async Task Flow_add_sends_the_flow_with_ports_by_name()
    {
        var (code, output, _) = await fake.RunAsync("flow", "add", "priority=10,in_port=h1", "actions=output:h2");
        Assert.Equal(ExitCode.Ok, code);
        Assert.Equal("added\n", output);
        var flow = fake.Seen.Last<WriteRequest>().Updates[0].Flow;
        Assert.Equal([0, 0, 0, 1], flow.Match[0].Value.ToByteArray());
        Assert.Equal(2u, flow.Instructions.ApplyActions[0].Output.Port);
    }

    [Fact]
    public async Task A_refusal_is_told_and_has_its_exit_code()
    {
        var (code, _, error) = await fake.RunAsync("flow", "add", "table=63 actions=drop");
        Assert.Equal(ExitCode.Refused, code);
        Assert.Contains("InvalidArgument", error, StringComparison.Ordinal);
        Assert.Contains("limits.tables", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("flow", "add", "nosuch=1 actions=drop")]
    [InlineData("flow", "del")]
    [InlineData("flow", "frobnicate")]
    [InlineData("port", "set", "h1")]
    [InlineData("stage", "place", "rx,parse")]
    [InlineData("capture", "--direction", "sideways")]
    public async Task What_cannot_be_understood_is_not_sent(params string[] args)
    {
        var (code, _, error) = await fake.RunAsync(args);
        Assert.Equal(ExitCode.Usage, code);
        Assert.StartsWith("kbctl: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_switch_has_its_own_exit_code()
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var code = await Program.RunAsync(["status", "--address", "unix:///nonexistent/kb.sock"], output, errors);
        Assert.Equal(ExitCode.Unavailable, code);
        Assert.Contains("is kernelbypassd running", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flow_list_reads_like_flow_add()
    {
        var (_, output, _) = await fake.RunAsync("flow", "list");
        Assert.Equal("packets=7 bytes=420 age=1.5s table=0,priority=10,in_port=1 actions=output:2\n", output);
    }

    [Fact]
    public async Task Json_is_json()
    {
        var (_, output, _) = await fake.RunAsync("flow", "list", "--json");
        using var document = JsonDocument.Parse(output);
        Assert.Equal("7", document.RootElement.GetProperty("stats").GetProperty("packets").GetString());
    }

    [Fact]
    public async Task Flow_del_filters_by_cookie()
    {
        var (_, output, _) = await fake.RunAsync("flow", "del", "--cookie", "0x2a/0xff");
        Assert.Equal("1,234 deleted\n", output);
        var filter = fake.Seen.Last<DeleteFlowsRequest>().Filter;
        Assert.Equal((0x2aul, 0xfful), (filter.Cookie, filter.CookieMask));
    }

    [Fact]
    public async Task Flow_load_streams_batches()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllLinesAsync(path, Enumerable.Range(0, 2500).Select(i => $"ip,ipv4_dst=10.0.{i / 256}.{i % 256} actions=output:2 # {i}"));
        var (code, output, _) = await fake.RunAsync("flow", "load", path);
        File.Delete(path);
        Assert.Equal(ExitCode.Ok, code);
        Assert.StartsWith("2,500 added, 0 refused", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bad_line_of_a_file_is_named()
    {
        var path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, "actions=drop\n\nip,ipv4_dst=nowhere actions=drop\n");
        var (code, _, error) = await fake.RunAsync("flow", "load", path);
        File.Delete(path);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains($"{path}:3: ipv4_dst=nowhere", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drops_show_what_happened_and_with_all_what_could()
    {
        var (_, some, _) = await fake.RunAsync("drops");
        Assert.Contains("table_miss", some, StringComparison.Ordinal);
        Assert.DoesNotContain("ipv4_bad_version", some, StringComparison.Ordinal);
        var (_, every, _) = await fake.RunAsync("drops", "--all");
        Assert.Contains("ipv4_bad_version", every, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_builds_the_packet_and_a_drop_has_its_exit_code()
    {
        var (code, output, _) = await fake.RunAsync("explain", "--in-port", "h1", "tcp,ipv4_dst=10.0.0.2,tcp_dst=80");
        Assert.Equal(ExitCode.WouldDrop, code);
        Assert.Contains("verdict  dropped: table_miss in table 0", output, StringComparison.Ordinal);
        var request = fake.Seen.Last<ExplainRequest>();
        Assert.Equal(1u, request.InPort);
        Assert.Equal([10, 0, 0, 2], request.Packet.Span.Slice(30, 4).ToArray());
        Assert.Equal([0, 80], request.Packet.Span.Slice(36, 2).ToArray());
    }

    [Fact]
    public async Task Capture_writes_pcapng()
    {
        var path = Path.GetTempFileName();
        var (code, _, _) = await fake.RunAsync("capture", "-p", "h1", "-w", path, "-n", "2");
        var bytes = await File.ReadAllBytesAsync(path);
        File.Delete(path);
        Assert.Equal(ExitCode.Ok, code);
        Assert.Equal(0x0A0D0D0Au, BitConverter.ToUInt32(bytes));
        Assert.True(bytes.Length > 2 * 60);
    }

    [Fact]
    public async Task Port_list_is_a_table()
    {
        var (_, output, _) = await fake.RunAsync("port", "list");
        var lines = output.Split('\n');
        Assert.StartsWith("PORT  NAME  LINK", lines[0], StringComparison.Ordinal);
        Assert.Contains("h1", lines[1], StringComparison.Ordinal);
        Assert.Contains("10G", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_verb_has_help_with_examples()
    {
        foreach (var verb in Verbs.VerbCatalogue.All)
        {
            var name = verb.Build().Name;
            var (code, output, _) = await fake.RunAsync(name, "--help");
            Assert.Equal(ExitCode.Ok, code);
            Assert.Contains("Examples:", output, StringComparison.Ordinal);
            Assert.Contains($"  kbctl {name}", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_example_parses()
    {
        var root = CommandTree.Build();
        foreach (var example in Verbs.VerbCatalogue.All.SelectMany(verb => verb.Examples))
        {
            var line = example.Split(" | ")[0].Split(" > ")[0];
            Assert.True(root.Parse(line).Errors.Count == 0, $"kbctl {line}: {string.Join("; ", root.Parse(line).Errors)}");
        }
    }

    [Theory]
    [InlineData("bash", "complete ")]
    [InlineData("zsh", "compdef")]
    [InlineData("fish", "complete -c kbctl")]
    public async Task Completion_prints_shell_code(string shell, string part)
    {
        var (code, output, _) = await fake.RunAsync("completion", shell);
        Assert.Equal(ExitCode.Ok, code);
        Assert.Contains(part, output, StringComparison.Ordinal);
    }
}
