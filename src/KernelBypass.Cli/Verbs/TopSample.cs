using System.Text.Json;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>What top reads at one moment.</summary>
internal sealed record TopSample(
    DateTime Time, ulong Flows, IReadOnlyList<PortStats> Ports, IReadOnlyList<Lcore> Lcores, IReadOnlyList<DropCount> Drops)
{
    internal sealed record PortRate(
        uint Number, string Name, double RxPackets, double RxBits, double TxPackets, double TxBits, double Missed, double TxFull);

    internal sealed record DropRate(string Stage, string Reason, double Rate);

    internal static async Task<TopSample> TakeAsync(Connection connection)
    {
        var status = connection.Pipeline.GetStatusAsync(new GetStatusRequest(), connection.Once).ResponseAsync;
        var ports = connection.Ports.StatsAsync(new PortStatsRequest(), connection.Once).ResponseAsync;
        var lcores = connection.Pipeline.ListLcoresAsync(new ListLcoresRequest(), connection.Once).ResponseAsync;
        var drops = connection.Pipeline.ListDropsAsync(new ListDropsRequest(), connection.Once).ResponseAsync;
        return new(DateTime.UtcNow, (await status).Flows, (await ports).Ports, (await lcores).Lcores, (await drops).Drops);
    }

    internal IEnumerable<PortRate> Rates(TopSample before)
    {
        var seconds = Math.Max((Time - before.Time).TotalSeconds, 0.001);
        var old = before.Ports.ToDictionary(port => port.Number);
        foreach (var port in Ports)
        {
            if (!old.TryGetValue(port.Number, out var then)) continue;
            yield return new(
                port.Number, port.Name,
                Rate(port.RxPackets, then.RxPackets, seconds), 8 * Rate(port.RxBytes, then.RxBytes, seconds),
                Rate(port.TxPackets, then.TxPackets, seconds), 8 * Rate(port.TxBytes, then.TxBytes, seconds),
                Rate(port.RxMissed, then.RxMissed, seconds), Rate(port.TxQueueFull, then.TxQueueFull, seconds));
        }
    }

    internal IEnumerable<DropRate> DropRates(TopSample before)
    {
        var seconds = Math.Max((Time - before.Time).TotalSeconds, 0.001);
        var old = before.Drops.ToDictionary(drop => (drop.Stage, drop.Reason), drop => drop.Packets);
        return Drops
            .Select(drop => new DropRate(drop.Stage, drop.Reason, Rate(drop.Packets, old.GetValueOrDefault((drop.Stage, drop.Reason)), seconds)))
            .Where(drop => drop.Rate > 0)
            .OrderByDescending(drop => drop.Rate);
    }

    internal string Json(TopSample before) => JsonSerializer.Serialize(new
    {
        time = Time,
        flows = Flows,
        ports = Rates(before),
        lcores = Lcores.Select(lcore => new { lcore.Id, lcore.Load, lcore.Asleep, lcore.RecentGapNs }),
        drops = DropRates(before),
    });

    // A counter that went back belongs to a data plane that was started again meanwhile.
    private static double Rate(ulong now, ulong then, double seconds) => now >= then ? (now - then) / seconds : 0;
}
