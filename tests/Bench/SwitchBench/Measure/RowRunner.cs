using KernelBypass.SwitchBench.Duts;

namespace KernelBypass.SwitchBench.Measure;

/// <summary>Runs a row: the peer and the switch in turn, round after round.</summary>
internal static class RowRunner
{
    internal static async Task<RowResult> RunAsync(Row row, Rig rig, Options options)
    {
        if (row.Special is { } special) return await SpecialAsync(row, rig, special, options);
        var us = new List<double>();
        var peer = new List<double>();
        var dirty = 0;
        for (var round = 0; round < options.Rounds; round++)
        {
            if (row.Peer is { } makePeer) peer.Add(await MeasureAsync(makePeer(), rig, options));
            us.Add(await MeasureAsync(row.Us(), rig, options));
        }

        return new(row, us, peer, "Mpps", dirty > 0 ? "few quiet moments" : "");

        async Task<double> MeasureAsync(IDut dut, Rig where, Options how)
        {
            try
            {
                await dut.StartAsync(where);
                var samples = await Window.TakeAsync(dut, how.Windows);
                if (!samples[0].Clean) dirty++;
                return RowResult.Median(samples.Select(sample => sample.Rate).ToList()) / 1e6;
            }
            finally
            {
                await dut.StopAsync();
            }
        }
    }

    private static async Task<RowResult> SpecialAsync(
        Row row, Rig rig, Func<Rig, Task<(double Us, double Peer, string Unit, string Remark)>> special, Options options)
    {
        var rounds = new List<(double Us, double Peer, string Unit, string Remark)>();
        for (var round = 0; round < options.Rounds; round++) rounds.Add(await special(rig));
        var peers = rounds.Where(result => !double.IsNaN(result.Peer)).Select(result => result.Peer).ToList();
        return new(row, rounds.Select(result => result.Us).ToList(), peers, rounds[0].Unit, rounds[^1].Remark);
    }
}
