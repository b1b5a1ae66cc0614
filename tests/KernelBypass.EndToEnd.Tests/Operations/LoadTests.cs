using System.Diagnostics;
using System.Globalization;
using KernelBypass.EndToEnd.Tests.Lab;
using KernelBypass.V1;
using Xunit.Abstractions;

namespace KernelBypass.EndToEnd.Tests.Operations;

/// <summary>Idle it sleeps; changed under load it loses nothing.</summary>
[Collection("machine")]
public class LoadTests(ThreeHosts lab, ITestOutputHelper log)
{
    [Fact]
    public void An_idle_switch_uses_less_than_a_twentieth_of_a_core()
    {
        lab.Reset();
        var pid = lab.Switch.TryStatus()!.DataplanePid;
        Thread.Sleep(1000);
        var (before, clock) = (CpuTicks(pid), Stopwatch.StartNew());
        Thread.Sleep(4000);
        var share = (CpuTicks(pid) - before) / 100.0 / clock.Elapsed.TotalSeconds;
        log.WriteLine(string.Create(CultureInfo.InvariantCulture, $"idle: {share:P1} of a core"));
        Assert.True(share < 0.05, string.Create(CultureInfo.InvariantCulture, $"the idle data plane used {share:P1} of a core"));
    }

    [Fact]
    public async Task Flow_churn_loses_no_packet()
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=0 actions=normal");
        lab.H1.Ping(lab.H2.Address);
        using var stop = new CancellationTokenSource();
        var churn = Task.Run(() => Churn(stop.Token));
        Assert.Equal(400, lab.H1.Ping(lab.H2.Address, count: 400, interval: 0.01));
        await stop.CancelAsync();
        var written = await churn;
        Assert.True(written > 1000, $"only {written} flows were written meanwhile");
    }

    [Fact]
    public void Moving_stages_between_lcores_loses_no_packet()
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=0 actions=normal");
        lab.H1.Ping(lab.H2.Address);
        using var ping = lab.H1.Start("ping", "-i", "0.01", "-c", "400", "-q", lab.H2.Address);
        for (var i = 0; i < 20; i++)
        {
            lab.Switch.KbctlMust("flow", "add", $"priority=1,cookie=0x{i:x},in_port=h3 actions=drop");
            lab.Switch.KbctlMust("stage", "place", "rx,parse,classify,actions,tx@1");
        }

        Assert.True(ping.WaitForExit(30000));
        Assert.Contains(" 0% packet loss", ping.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_allocated_or_collected_while_packets_and_flows_come_and_go()
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=0 actions=normal");
        lab.H1.Ping(lab.H2.Address);
        Churn(new CancellationTokenSource(1000).Token);
        var before = Collections();
        using var stop = new CancellationTokenSource(3000);
        var ping = Task.Run(() => lab.H1.Ping(lab.H2.Address, count: 200, interval: 0.01));
        Churn(stop.Token);
        Assert.Equal(200, await ping);
        Assert.Equal(before, Collections());
    }

    private Dictionary<string, ulong> Collections() => lab.Switch.Pipeline.ReadMetrics(new ReadMetricsRequest()).Metrics
        .Where(metric => metric.Name.Contains("gc_collections", StringComparison.Ordinal))
        .ToDictionary(metric => string.Join(',', metric.Labels.Values), metric => metric.Value);

    private int Churn(CancellationToken stop)
    {
        var written = 0;
        for (var round = 0; !stop.IsCancellationRequested; round++)
        {
            var request = new WriteRequest();
            for (var i = 0; i < 200; i++)
            {
                var flow = new Flow { Priority = 30, Instructions = new Instructions() };
                flow.Match.Add(new FieldMatch { Field = Field.EthType, Value = Google.Protobuf.ByteString.CopyFrom(8, 0) });
                flow.Match.Add(new FieldMatch { Field = Field.Ipv4Dst, Value = Google.Protobuf.ByteString.CopyFrom(172, 16, (byte)round, (byte)i) });
                var type = round % 2 == 0 ? FlowUpdate.Types.Type.Insert : FlowUpdate.Types.Type.Delete;
                if (round % 2 == 1) flow.Match[1].Value = Google.Protobuf.ByteString.CopyFrom(172, 16, (byte)(round - 1), (byte)i);
                request.Updates.Add(new FlowUpdate { Type = type, Flow = flow });
            }

            written += (int)lab.Switch.Flows.Write(request, cancellationToken: CancellationToken.None).Applied;
        }

        return written;
    }

    private static long CpuTicks(uint pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }
}
