using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Journal;
using Microsoft.Extensions.Hosting;

namespace KernelBypass.Daemon.Hosting;

/// <summary>Forces the journal to the disk every journal.sync_interval_ms, with journal.sync: interval.</summary>
internal sealed class JournalSyncer(DaemonConfig config, FlowManager flows, ILogger<JournalSyncer> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (flows.Journal is not { } journal || config.Journal.Sync != JournalSync.Interval) return;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(config.Journal.SyncIntervalMs));
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                journal.Sync();
            }
            catch (JournalException e)
            {
                log.JournalFailed(e.Message);
            }
            catch (ObjectDisposedException)
            {
                // Compaction has put another file in this one's place, and synced it.
            }
        }
    }
}
