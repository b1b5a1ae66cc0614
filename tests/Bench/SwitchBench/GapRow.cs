using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using KernelBypass.SwitchBench.Duts;
using KernelBypass.SwitchBench.Traffic;
using KernelBypass.V1;

namespace KernelBypass.SwitchBench;

/// <summary>
/// The longest gap of a loaded lcore in 10 s, first left alone, then while 10,000 flows a second are written and the Prometheus endpoint is
/// read each second. The figure is the ratio of the gap alone to the gap under churn; packets lost must be none.
/// </summary>
internal static class GapRow
{
    private const int WindowSeconds = 12;

    internal static async Task<(double Us, double Peer, string Unit, string Remark)> RunAsync(Rig rig)
    {
        var dut = new SwitchDut(new TrafficShape(TrafficKind.Udp, 10_000), RowCatalogue.Ours(10_000));
        try
        {
            await dut.StartAsync(rig);
            var alone = await GapAsync(dut, () => Task.Delay(TimeSpan.FromSeconds(WindowSeconds)));
            var dropsBefore = await DropsAsync(dut);
            var written = 0;
            var busy = await GapAsync(dut, async () => written = await ChurnAsync(dut));
            var lost = await DropsAsync(dut) - dropsBefore;
            var remark = string.Create(
                CultureInfo.InvariantCulture,
                $"alone {alone / 1e3:0} us, under churn {busy / 1e3:0} us ({written / WindowSeconds} flows/s written); {lost} packets lost");
            return (busy / 1e3, alone / 1e3, "us", remark);
        }
        finally
        {
            await dut.StopAsync();
        }
    }

    private static async Task<double> GapAsync(SwitchDut dut, Func<Task> during)
    {
        var load = during();
        await load;
        var lcores = (await dut.Pipeline.ListLcoresAsync(new ListLcoresRequest())).Lcores;
        return lcores.Where(lcore => lcore.Role == "worker").Max(lcore => lcore.RecentGapNs);
    }

    private static async Task<ulong> DropsAsync(SwitchDut dut) =>
        (await dut.Pipeline.ListDropsAsync(new ListDropsRequest())).Drops.Aggregate(0ul, (sum, drop) => sum + drop.Packets);

    private static async Task<int> ChurnAsync(SwitchDut dut)
    {
        using var http = new HttpClient();
        var clock = Stopwatch.StartNew();
        var scraped = -1;
        var written = 0;
        for (var batch = 0; clock.Elapsed.TotalSeconds < WindowSeconds; batch++)
        {
            var request = new WriteRequest();
            for (var i = 0; i < 100; i++) request.Updates.Add(Update(batch, i));
            written += (int)(await dut.Flows.WriteAsync(request)).Applied;
            if ((int)clock.Elapsed.TotalSeconds != scraped)
            {
                scraped = (int)clock.Elapsed.TotalSeconds;
                await http.GetStringAsync(new Uri("http://127.0.0.1:19465/metrics"));
            }

            var ahead = TimeSpan.FromSeconds(written / 10_000.0) - clock.Elapsed;
            if (ahead > TimeSpan.Zero) await Task.Delay(ahead);
        }

        return written;
    }

    /// <summary>Even batches insert a hundred flows, odd ones delete them; none meets the traffic.</summary>
    private static FlowUpdate Update(int batch, int i)
    {
        var flow = new Flow { Priority = 50, Instructions = new Instructions() };
        flow.Match.Add(new FieldMatch { Field = Field.EthType, Value = ByteString.CopyFrom(8, 0) });
        flow.Match.Add(new FieldMatch { Field = Field.Ipv4Src, Value = ByteString.CopyFrom(172, 16, (byte)(batch / 2), (byte)i) });
        return new FlowUpdate { Type = batch % 2 == 0 ? FlowUpdate.Types.Type.Insert : FlowUpdate.Types.Type.DeleteStrict, Flow = flow };
    }
}
