using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Hosting;
using KernelBypass.Daemon.Journal;
using KernelBypass.Model.Flows;
using KernelBypass.Model.Text;

namespace KernelBypass.Daemon.Flows;

/// <summary>Taking over a data plane, static flows, and flows that leave by themselves.</summary>
internal sealed partial class FlowManager
{
    private const int ChunkFlows = 8_192;
    private readonly HashSet<int> _differing = [];
    private int _reconcileWanted;
    private ulong _adoptedInstance;

    /// <summary>The counts of a reconciliation.</summary>
    internal record struct Reconciliation(int Kept, int Installed, int Deleted, int Expired, int Refused);

    /// <summary>
    /// Makes the data plane's flows those of the store: what is missing is installed, what is not known is deleted, and what stands in
    /// both stays with its counters. Without a journal the data plane knows better: its flows are taken over.
    /// </summary>
    internal async Task<Reconciliation> AdoptAsync(DataPlaneSession session, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            // In the same data plane a flow with a timeout that is gone has expired; in another it has not been installed yet.
            var same = journal?.Instance == session.Instance || _adoptedInstance == session.Instance;
            var import = journal is null && _adoptedInstance == 0;
            var counts = default(Reconciliation);
            store.ClearHandles();
            await CompareAsync(session, import, cancellation).ConfigureAwait(false);
            counts.Deleted = await SendChunkAsync(session, 0).ConfigureAwait(false);
            counts = await InstallMissingAsync(session, same, counts).ConfigureAwait(false);
            counts.Kept = store.Count - counts.Installed - counts.Refused;
            journal?.NoteInstance(session.Instance);
            _adoptedInstance = session.Instance;
            _session = session;
            return counts;
        }
        finally
        {
            CompactIfWanted();
            _gate.Release();
        }
    }

    private async Task CompareAsync(DataPlaneSession session, bool import, CancellationToken cancellation)
    {
        _plan.Clear();
        _differing.Clear();
        await foreach (var flow in session.Control.DumpAllFlowsAsync(cancellation).ConfigureAwait(false))
        {
            if (flow.Spec.Length < FlowSpecHeader.Size) continue;
            var index = store.Find(FlowIdentity.Of(flow.Spec));
            if (index != FlowStore.None && SameFlow(store.Spec(index), flow.Spec)) store.SetHandle(index, flow.Flow);
            else if (index == FlowStore.None && import) store.Put(flow.Spec, flow.Flow);
            else if (index == FlowStore.None) _plan.Delete(-1, 0, FlowStore.None, flow.Flow, flow.Spec);
            else _differing.Add(index);
        }
    }

    /// <summary>Equal but for flags that matter only while a flow is added.</summary>
    private static bool SameFlow(ReadOnlySpan<byte> mine, ReadOnlySpan<byte> theirs)
    {
        if (mine.Length != theirs.Length) return false;
        var a = MemoryMarshal.Read<FlowSpecHeader>(mine);
        var b = MemoryMarshal.Read<FlowSpecHeader>(theirs);
        const FlowFlags Lasting = FlowFlags.SendFlowRemoved;
        return (a.Flags & Lasting) == (b.Flags & Lasting) && mine[..4].SequenceEqual(theirs[..4]) && mine[8..].SequenceEqual(theirs[8..]);
    }

    private async Task<Reconciliation> InstallMissingAsync(DataPlaneSession session, bool same, Reconciliation counts)
    {
        _plan.Clear();
        _record.Clear();
        for (var i = 0; i < store.End; i++)
        {
            if (!store.Holds(i) || !store.Handle(i).IsNone()) continue;
            var head = MemoryMarshal.Read<FlowSpecHeader>(store.Spec(i));
            if (same && !_differing.Contains(i) && (head.IdleTimeoutSeconds | head.HardTimeoutSeconds) != 0)
            {
                _record.Remove(FlowIdentity.Of(store.Spec(i)));
                store.Remove(i);
                _static.Remove(i);
                counts.Expired++;
                continue;
            }

            _plan.Add(i, 0, store.Spec(i));
            if (_plan.Count == ChunkFlows) counts.Refused += await InstallChunkAsync(session).ConfigureAwait(false);
            counts.Installed++;
        }

        counts.Refused += await InstallChunkAsync(session).ConfigureAwait(false);
        counts.Installed -= counts.Refused;
        NoteRemovals();
        return counts;
    }

    private async Task<int> InstallChunkAsync(DataPlaneSession session)
    {
        var refused = 0;
        var results = await session.Control.WriteFlowsAsync(_plan.Buffer).ConfigureAwait(false);
        for (var i = 0; i < results.Length; i++)
        {
            if (results[i].IsOk)
            {
                store.SetHandle(_plan[i].Update, new(results[i].Slot, results[i].Generation));
                continue;
            }

            refused++;
            if (refused <= 10) log.FlowRefused(FlowTextFormatter.Format(FlowSpec.Decode(_plan.Spec(i))), results[i].Error.Describe());
        }

        _plan.Clear();
        return refused;
    }

    private async Task<int> SendChunkAsync(DataPlaneSession session, int deleted)
    {
        if (_plan.Count == 0) return deleted;
        var results = await session.Control.WriteFlowsAsync(_plan.Buffer).ConfigureAwait(false);
        return deleted + results.Count(result => result.IsOk);
    }

    /// <summary>Puts the configuration's flows into the store before a data plane is adopted; controllers' flows of the same identity win.</summary>
    internal void Seed(IReadOnlyList<StaticFlow> flows)
    {
        foreach (var flow in flows)
        {
            if (store.Find(FlowIdentity.Of(flow.Spec)) == FlowStore.None) _static.Add(store.Put(flow.Spec, NoFlow.Handle));
        }
    }

    /// <summary>Takes over changed static flows: those gone are deleted, unless a controller has replaced them; new ones are added.</summary>
    /// <exception cref="FlowException">The data plane does not answer.</exception>
    internal async Task ReplaceStaticAsync(
        IReadOnlyList<StaticFlow> before, IReadOnlyList<StaticFlow> after, CancellationToken cancellation)
    {
        var write = new FlowWrite();
        foreach (var gone in before.Where(old => !after.Any(flow => flow.Spec.AsSpan().SequenceEqual(old.Spec))))
        {
            var index = store.Find(FlowIdentity.Of(gone.Spec));
            if (index != FlowStore.None && _static.Contains(index)) write.Add(UpdateKind.DeleteStrict, gone.Spec);
        }

        var added = after.Where(flow => !before.Any(old => old.Spec.AsSpan().SequenceEqual(flow.Spec))).ToList();
        foreach (var flow in added) write.Add(UpdateKind.Insert, flow.Spec);
        if (write.Count == 0) return;
        var outcome = await WriteAsync(write, cancellation).ConfigureAwait(false);
        foreach (var failed in outcome.Outcomes?.Where(update => update.Message is not null) ?? [])
            log.FlowRefused("of the configuration", failed.Message!);
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            foreach (var flow in added)
            {
                var index = store.Find(FlowIdentity.Of(flow.Spec));
                if (index != FlowStore.None) _static.Add(index);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>The encoded flow of a handle, or null when it is gone.</summary>
    internal async Task<byte[]?> FindAsync(FlowHandle handle, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var index = store.Find(handle);
            return index == FlowStore.None ? null : store.Spec(index).ToArray();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes flows that leave by themselves out of the store, until cancelled.</summary>
    internal async Task FollowRemovalsAsync(CancellationToken cancellation)
    {
        var reader = events.Removals.Reader;
        while (await reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            ulong missed = 0;
            await _gate.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                _record.Clear();
                for (var taken = 0; taken < ChunkFlows && reader.TryRead(out var removed); taken++)
                {
                    missed += removed.Missed;
                    TakeOut(removed);
                }

                NoteRemovals();
            }
            finally
            {
                CompactIfWanted();
                _gate.Release();
            }

            if (missed > 0) log.RemovalsMissed(missed);
            if (missed > 0) RequestReconcile();
            if (Interlocked.Exchange(ref _reconcileWanted, 0) == 1) await ReconcileAgainAsync(cancellation).ConfigureAwait(false);
        }
    }

    private void TakeOut(in FlowRemovedEvent removed)
    {
        var index = store.Find(removed.Flow);
        if (index == FlowStore.None)
        {
            // Replaced meanwhile: only those who watch still want it.
            if (_retired.Remove(removed.Flow, out var spec))
                PublishRemoval(spec, removed.Reason, removed.Packets, removed.Bytes, removed.DurationNs);
            return;
        }

        PublishRemoval(store.Spec(index), removed.Reason, removed.Packets, removed.Bytes, removed.DurationNs);
        if (removed.Reason == FlowRemovedReason.Replaced) return;
        _record.Remove(FlowIdentity.Of(store.Spec(index)));
        store.Remove(index);
        _static.Remove(index);
    }

    private void NoteRemovals()
    {
        if (journal is null || _record.IsEmpty) return;
        try
        {
            journal.Reserve(_record.Length);
            journal.Append(_record);
        }
        catch (JournalException e)
        {
            // The flow is gone; after a restart in the same data plane it is found missing, and forgotten then.
            log.JournalFailed(e.Message);
        }
    }

    /// <summary>Wakes the follower to compare all flows, as some change's outcome is unknown.</summary>
    private void RequestReconcile()
    {
        Volatile.Write(ref _reconcileWanted, 1);
        events.Removals.Writer.TryWrite(new FlowRemovedEvent { Flow = NoFlow.Handle });
    }

    private async Task ReconcileAgainAsync(CancellationToken cancellation)
    {
        if (_session is not { } session) return;
        try
        {
            var counts = await AdoptAsync(session, cancellation).ConfigureAwait(false);
            log.Reconciled(counts.Kept, counts.Installed, counts.Deleted, counts.Expired, counts.Refused);
        }
        catch (Exception e) when (e is TimeoutException or Channel.ChannelException)
        {
            log.Failed("reconciling flows", e.Message);
        }
    }
}
