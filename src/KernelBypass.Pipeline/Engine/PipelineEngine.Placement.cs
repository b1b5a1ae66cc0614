using System.Diagnostics;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Ports;

namespace KernelBypass.Pipeline.Engine;

// Changes while packets pass.
public sealed unsafe partial class PipelineEngine
{
    private const long PollNs = 20_000;

    /// <summary>
    /// Moves stages to other lcores. Producers stop first, consumers empty their rings, buffers are drained, then the new
    /// chains start:
    /// no packet that was received is lost, and each flow stays in order.
    /// </summary>
    /// <exception cref="PipelineException">The placement cannot be, or an lcore did not stop in time; the old one is in
    /// force.</exception>
    public void SetPlacement(IReadOnlyList<ChainSpec> placement)
    {
        ArgumentNullException.ThrowIfNull(placement);
        PlacementCheck.Placement(_stages, placement, _workers.Keys);
        var next = Prepare(placement);
        if (_started)
        {
            try
            {
                StopLcores();
            }
            catch (PipelineException)
            {
                next.Dispose();
                throw;
            }
        }

        var old = _placement;
        _placement = next;
        next.Apply();
        _grace.Reset(next.Workers);
        RepublishQueues();
        if (_started) next.Launch();
        RenewRingGauges();
        old.Dispose();
        RetireStages();
    }

    /// <summary>Gives back the stages of lcores that the placement in force does not use: some hold much memory.</summary>
    private void RetireStages()
    {
        foreach (var (key, stage) in _instances.ToArray())
        {
            if (_placement.Chains.Any(c => c.Stages.Contains(key.Stage) && c.Lcores.Contains(key.Lcore))) continue;
            _instances.Remove(key);
            (stage as IDisposable)?.Dispose();
        }
    }

    /// <summary>Waits until every lcore has ended the turn it was in, so that none still uses what was replaced before.</summary>
    /// <exception cref="PipelineException">An lcore did not, within the stop time-out.</exception>
    public void WaitForTurns()
    {
        if (!_started) return;
        Interlocked.MemoryBarrier();
        var deadline = Deadline();
        foreach (var chain in _placement.Workers)
        {
            foreach (var worker in chain)
            {
                var turn = Volatile.Read(ref worker.Block->Turn);
                while (Volatile.Read(ref worker.Block->Turn) == turn && Volatile.Read(ref worker.Block->Quiescent) == 0)
                {
                    if (Stopwatch.GetTimestamp() > deadline) throw Stuck(worker, "did not end its turn");
                    IdleBackoff.Sleep(PollNs);
                }
            }
        }
    }

    /// <summary>Shares out rx and tx queues over the lcores again, after ports or placement changed.</summary>
    public void RepublishQueues()
    {
        var first = _placement.Workers[0];
        foreach (var (stage, lcore) in _placement.RxStages())
        {
            stage.SetInbox(lcore == first[0].Lcore ? _memory.StartInbox.Pointer : null);
            stage.SetQueues(Ports.RxQueuesOf(Array.FindIndex(first, w => w.Lcore == lcore), first.Length));
        }

        int[] senders = [.. _placement.Workers[^1].Select(w => w.Lcore)];
        foreach (var (stage, lcore) in _placement.TxStages())
        {
            stage.SetInbox(_memory.Inbox(lcore).Pointer);
            stage.SetPlan(Ports.TxPlanOf(Array.IndexOf(senders, lcore), senders));
        }
    }

    private Placement Prepare(IReadOnlyList<ChainSpec> chains)
    {
        var placement = new Placement(chains, lcore => _workers[lcore]);
        try
        {
            placement.Prepare(_options, MakeSlot);
            return placement;
        }
        catch (Exception e) when (e is DpdkException or InvalidOperationException or OutOfMemoryException)
        {
            placement.Dispose();
            throw new PipelineException($"The placement {string.Join("; ", chains)} cannot be made ready: {e.Message}", e);
        }
    }

    /// <summary>Stops chain after chain; of the last one, an lcore that sends for others after those others.</summary>
    private void StopLcores()
    {
        var deadline = Deadline();
        foreach (var chain in _placement.Workers)
        {
            for (var i = chain.Length - 1; i >= 0; i--)
            {
                var worker = chain[i];
                worker.RequestStop();
                while (worker.IsRunning)
                {
                    if (Stopwatch.GetTimestamp() > deadline)
                    {
                        foreach (var other in _placement.Workers.SelectMany(w => w)) other.CancelStop();
                        LaunchStopped();
                        throw Stuck(worker, "did not stop");
                    }

                    IdleBackoff.Sleep(PollNs);
                }

                _ = Lcore.Wait((uint)worker.Lcore);
            }
        }
    }

    /// <summary>Starts lcores that have returned although they should run: after a stop that came too late.</summary>
    private void LaunchStopped()
    {
        foreach (var chain in _placement.Workers)
        {
            foreach (var worker in chain)
            {
                if (worker.IsRunning) continue;
                _ = Lcore.Wait((uint)worker.Lcore);
                worker.Launch();
            }
        }
    }

    private long Deadline() => Stopwatch.GetTimestamp() + (_options.StopTimeoutMilliseconds * Stopwatch.Frequency / 1000);

    private PipelineException Stuck(LcoreWorker worker, string what) => new(
        $"Lcore {worker.Lcore} {what} within {_options.StopTimeoutMilliseconds} ms (stop_timeout_ms): a stage or a driver " +
        "holds it, or another process holds its CPU. Nothing has changed; the old placement is in force.");
}
