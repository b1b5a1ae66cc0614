using System.Runtime.InteropServices;
using Grpc.Core;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>
/// Plans an all-or-nothing request whose updates build on each other (delete a flow that the same request added, say): plays the
/// updates through over the store, then plans the net change of each flow, so that the data plane gets one batch.
/// </summary>
internal sealed class FlowOverlay(FlowStore store)
{
    private sealed class Entry
    {
        internal int Index;
        internal byte[]? Spec;
        internal bool Inserted;
        internal bool Deleted;
        internal int Update;
    }

    private readonly Dictionary<string, Entry> _entries = [];
    private readonly List<Entry> _order = [];

    /// <summary>Plays a request through and plans its net effect.</summary>
    /// <exception cref="FlowException">A strict update finds no flow.</exception>
    internal void Plan(FlowWrite write, FlowPlan plan, UpdateOutcome[] outcomes)
    {
        for (var i = 0; i < write.Count; i++)
        {
            var spec = write.Spec(i);
            outcomes[i] = write[i].Kind switch
            {
                UpdateKind.Insert => Insert(i, spec),
                UpdateKind.ModifyStrict or UpdateKind.DeleteStrict => Strict(i, write[i].Kind, spec),
                _ => Loose(i, write[i], spec),
            };
        }

        foreach (var entry in _order) PlanEntry(entry, plan);
    }

    private UpdateOutcome Insert(int update, ReadOnlySpan<byte> spec)
    {
        var entry = Get(FlowIdentity.Of(spec));
        entry.Spec = spec.ToArray();
        entry.Inserted = true;
        entry.Update = update;
        return default;
    }

    private UpdateOutcome Strict(int update, UpdateKind kind, ReadOnlySpan<byte> spec)
    {
        var entry = Get(FlowIdentity.Of(spec));
        if (entry.Spec is null) throw new FlowException(StatusCode.NotFound, new FlowSpecError(FlowErrorCode.NotFound).Describe(), update);
        Change(entry, update, kind, spec);
        return new(StatusCode.OK, null, 1);
    }

    private UpdateOutcome Loose(int update, FlowUpdateItem item, ReadOnlySpan<byte> spec)
    {
        var filter = FlowFilter.OfLoose(spec, item.CookieMask);
        for (var i = 0; i < store.End; i++)
        {
            // Entries for all flows of the store that fit; those that the request has changed already have one.
            if (store.Holds(i) && filter.Selects(store.Spec(i))) Get(FlowIdentity.Of(store.Spec(i)));
        }

        uint affected = 0;
        foreach (var entry in _order)
        {
            if (entry.Spec is null || !filter.Selects(entry.Spec)) continue;
            Change(entry, update, item.Kind, spec);
            affected++;
        }

        return new(StatusCode.OK, null, affected);
    }

    private static void Change(Entry entry, int update, UpdateKind kind, ReadOnlySpan<byte> spec)
    {
        entry.Update = update;
        if (kind is UpdateKind.Modify or UpdateKind.ModifyStrict)
        {
            entry.Spec = FlowPlan.WithInstructions(entry.Spec, spec);
            return;
        }

        entry.Spec = null;
        entry.Deleted = true;
        entry.Inserted = false;
    }

    private Entry Get(FlowIdentity identity)
    {
        var key = Convert.ToBase64String(identity.ToBytes());
        if (_entries.TryGetValue(key, out var known)) return known;
        var index = store.Find(identity);
        var entry = new Entry { Index = index, Spec = index == FlowStore.None ? null : store.Spec(index).ToArray() };
        _entries.Add(key, entry);
        _order.Add(entry);
        return entry;
    }

    private void PlanEntry(Entry entry, FlowPlan plan)
    {
        var exists = entry.Index != FlowStore.None;
        if (entry.Spec is null)
        {
            if (exists) plan.Delete(entry.Update, 0, entry.Index, store.Handle(entry.Index), store.Spec(entry.Index));
        }
        else if (exists && !entry.Inserted)
        {
            if (!entry.Spec.AsSpan().SequenceEqual(store.Spec(entry.Index)))
                plan.Modify(entry.Update, 0, entry.Index, store.Handle(entry.Index), entry.Spec);
        }
        else
        {
            // A flow that was deleted and added again begins to count anew.
            if (exists && entry.Deleted)
            {
                var head = MemoryMarshal.Read<FlowSpecHeader>(entry.Spec);
                head.Flags |= FlowFlags.ResetCounts;
                MemoryMarshal.Write(entry.Spec, in head);
            }

            plan.Add(entry.Update, 0, entry.Spec);
        }
    }
}
