using KernelBypass.Channel;
using KernelBypass.Daemon.Supervision;
using Microsoft.Extensions.Hosting;

namespace KernelBypass.Daemon.Services;

/// <summary>The lcores' load over the last second, from the cycle counters in shared memory: costs an lcore nothing.</summary>
internal sealed class LoadMeter(DataPlaneSupervisor supervisor) : BackgroundService
{
    private readonly Dictionary<string, (ulong Busy, ulong Idle, ulong Asleep)> _last = [];
    private volatile Dictionary<string, (double Busy, double Asleep)> _loads = [];

    /// <summary>Shares of the last second spent on packets and asleep, 0 to 1.</summary>
    internal (double Busy, double Asleep) Of(string lcore) => _loads.GetValueOrDefault(lcore);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            if (supervisor.Session is not { } session) continue;
            try
            {
                Sample(session.ReadMetrics());
            }
            catch (Exception e) when (e is ChannelException or ObjectDisposedException)
            {
                _last.Clear();
            }
        }
    }

    private void Sample(MetricsSnapshot metrics)
    {
        var lcores = metrics.Samples.Where(sample => sample.Metric.Name == "kernelbypass_lcore_busy_cycles").Select(sample => sample.LabelValues[0]);
        var loads = new Dictionary<string, (double, double)>();
        foreach (var lcore in lcores.Distinct().ToList())
        {
            ulong Sum(string metric) => MetricQuery.Sum(metrics, metric, "lcore", lcore);
            (ulong Busy, ulong Idle, ulong Asleep) now = (
                Sum("kernelbypass_lcore_busy_cycles"), Sum("kernelbypass_lcore_idle_cycles"), Sum("kernelbypass_lcore_asleep_cycles"));
            if (_last.TryGetValue(lcore, out var last) && now.Busy >= last.Busy && now.Idle >= last.Idle)
            {
                double total = now.Busy - last.Busy + now.Idle - last.Idle;
                loads[lcore] = total == 0 ? (0, 0) : ((now.Busy - last.Busy) / total, Math.Min(1, (now.Asleep - last.Asleep) / total));
            }

            _last[lcore] = now;
        }

        _loads = loads;
    }
}
