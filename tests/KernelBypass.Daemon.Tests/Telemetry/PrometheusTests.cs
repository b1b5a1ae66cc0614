using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using KernelBypass.Daemon.Telemetry;
using KernelBypass.Daemon.Tests.Services;
using KernelBypass.V1;

namespace KernelBypass.Daemon.Tests.Telemetry;

public sealed class PrometheusTests
{
    [Fact]
    public async Task The_page_is_accepted_by_promtool_and_has_both_processes_metrics()
    {
        var port = FreePort();
        await using var daemon = await DaemonFixture.StartAsync($"telemetry: {{prometheus: {{listen: '127.0.0.1:{port}'}}}}\n");
        await new PipelineService.PipelineServiceClient(daemon.Channel).GetStatusAsync(new GetStatusRequest());
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var page = await http.GetStringAsync("/metrics");
        Assert.Contains("kernelbypass_port_rx_packets_total{port=\"p1\"} 42\n", page, StringComparison.Ordinal);
        Assert.Contains("# TYPE kernelbypass_lcore_longest_gap_seconds gauge\n", page, StringComparison.Ordinal);
        Assert.Contains("kernelbypass_lcore_longest_gap_seconds{lcore=\"1\"} 1.5E-06\n", page, StringComparison.Ordinal);
        Assert.Contains("kernelbypass_daemon_dataplane_up 1\n", page, StringComparison.Ordinal);
        Assert.Contains("method=\"/kernelbypass.v1.PipelineService/GetStatus\",status=\"0\"} 1\n", page, StringComparison.Ordinal);
        Assert.Contains("kernelbypass_daemon_grpc_duration_seconds_bucket{", page, StringComparison.Ordinal);
        Assert.Contains("dotnet_gc_collections_total", page, StringComparison.Ordinal);
        Assert.Equal("", Promtool(page));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.PostAsync("/kernelbypass.v1.FlowService/Delete", null)).StatusCode);
    }

    [Theory]
    [InlineData("a.b-c", "", "a_b_c")]
    [InlineData("x_ns", "ns", "x_seconds")]
    [InlineData("x", "ms", "x_seconds")]
    [InlineData("x_bytes", "By", "x_bytes")]
    [InlineData("x", "By", "x_bytes")]
    [InlineData("x", "{packet}", "x")]
    public void Names_carry_the_base_unit(string name, string unit, string expected) => Assert.Equal(expected, PrometheusText.NameOf(name, unit).Name);

    [Fact]
    public async Task Every_metric_of_the_daemon_is_in_the_documentation()
    {
        var port = FreePort();
        await using var daemon = await DaemonFixture.StartAsync($"telemetry: {{prometheus: {{listen: '127.0.0.1:{port}'}}}}\n");
        using var http = new HttpClient();
        await daemon.Flows.ListTablesAsync(new ListTablesRequest());
        var page = await http.GetStringAsync($"http://127.0.0.1:{port}/metrics");
        var documentation = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "docs", "metrics.md"));
        var names = page.Split('\n').Where(line => line.StartsWith("# TYPE kernelbypass_daemon_", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]);
        Assert.All(names, name => Assert.Contains($"`{name}`", documentation, StringComparison.Ordinal));
    }

    private static string Promtool(string page)
    {
        using var promtool = Process.Start(new ProcessStartInfo("promtool", ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        promtool.StandardInput.Write(page);
        promtool.StandardInput.Close();
        return promtool.StandardError.ReadToEnd() + promtool.StandardOutput.ReadToEnd();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
