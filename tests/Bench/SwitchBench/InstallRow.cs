using System.Diagnostics;
using System.Globalization;
using KernelBypass.SwitchBench.Duts;
using KernelBypass.SwitchBench.Traffic;

namespace KernelBypass.SwitchBench;

/// <summary>100,000 exact flows by each program's own client, from a file of text: kbctl flow load, ovs-ofctl add-flows.</summary>
internal static class InstallRow
{
    private const int Flows = 100_000;

    internal static async Task<(double Us, double Peer, string Unit, string Remark)> RunAsync(Rig rig)
    {
        var ovs = new OvsDut(new TrafficShape(TrafficKind.Udp, 64), RowCatalogue.Ovs(Flows), 0);
        double peerSeconds;
        try
        {
            await ovs.StartEmptyAsync(rig);
            peerSeconds = ovs.InstallSeconds(RowCatalogue.Ovs(Flows)(rig));
        }
        finally
        {
            await ovs.StopAsync();
        }

        var ours = new SwitchDut(new TrafficShape(TrafficKind.Udp, 64), rig2 => rig2.Lines("ours-none", () => ["priority=0 actions=output:2"]));
        try
        {
            await ours.StartAsync(rig);
            var file = RowCatalogue.Ours(Flows)(rig);
            var clock = Stopwatch.StartNew();
            var text = ours.Kbctl($"flow load {file}");
            var seconds = clock.Elapsed.TotalSeconds;
            var remark = string.Create(CultureInfo.InvariantCulture, $"whole commands, their start included; kbctl says: {text.Trim()}");
            return (Flows / seconds / 1e3, Flows / peerSeconds / 1e3, "thousand flows/s", remark);
        }
        finally
        {
            await ours.StopAsync();
        }
    }
}
