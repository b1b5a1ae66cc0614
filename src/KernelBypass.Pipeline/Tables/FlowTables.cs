using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// The switch's flow tables. One thread, the data plane's main lcore, changes them; classify stages on other lcores read them
/// without
/// locks. After a batch of changes call <see cref="Publish"/>, and <see cref="Reclaim"/> regularly. Nothing but the constructor
/// allocates managed memory.
/// </summary>
/// <remarks>
/// A flow is complete before one store publishes it; a flow that goes, or is replaced, stays readable until a grace period is
/// over.
/// No lookup misses a flow that stood before and stands after it. A change is certain to be seen by all packets received after
/// <see cref="Publish"/> has returned, and may be seen earlier.
/// </remarks>
public sealed unsafe partial class FlowTables : IDisposable
{
    private readonly FlowTablesOptions _options;
    private readonly FlowStore _store;
    private readonly RetireQueue _retired;
    private readonly TupleWriter _writer;
    private readonly FlowTable[] _tables;
    private readonly PipelineRoot* _root;
    private uint _flows;

    /// <summary>Reserves address space for the limits and makes empty tables.</summary>
    /// <exception cref="ArgumentException">Limits and counters do not fit each other; the message says which.</exception>
    /// <exception cref="InsufficientMemoryException">Address space is limited.</exception>
    public FlowTables(FlowTablesOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Limits.Tables == 0) throw new ArgumentException("limits.tables must be at least 1", nameof(options));
        if (options.MaxMasks < 1) throw new ArgumentException("limits.masks must be at least 1", nameof(options));
        if (options.Statistics.Slots < options.MaxFlows)
            throw new ArgumentException($"{options.Statistics.Slots} counter slots are too few for {options.MaxFlows} flows",
                nameof(options));
        _options = options;
        var slots = options.Statistics.Slots;
        _store = new FlowStore(slots, options.Statistics);
        _retired = new RetireQueue(options.GracePeriod, 4ul * slots + (1 << 20));
        _writer = new TupleWriter(_store.Hot, _retired);
        _idle = (uint*)NativePages.Reserve((nuint)slots * sizeof(uint), "idle timeouts");
        _wheel = new TimingWheel(_store);
        _root = (PipelineRoot*)_store.Hot.AllocateZeroed((nuint)sizeof(PipelineRoot));
        _root->Epochs = (uint*)_store.Hot.AllocateZeroed(PipelineRoot.EpochCells * sizeof(uint));
        _tables = new FlowTable[options.Limits.Tables];
        for (var i = 0; i < _tables.Length; i++)
        {
            var published = (TupleList**)&_root->Tables[i];
            _tables[i] = new FlowTable(options.MaxMasks, _store.Hot, _retired, _writer, published);
        }

        _viewDirty = true;
        Publish();
    }

    /// <summary>Tables there are.</summary>
    public int TableCount => _tables.Length;

    /// <summary>Flows in all tables.</summary>
    public uint FlowCount => _flows;

    /// <summary>Where readers start.</summary>
    internal PipelineRoot* Root => _root;

    /// <summary>The counters.</summary>
    public FlowStatistics Statistics => _options.Statistics;

    /// <summary>
    /// Adds a flow, or replaces the one with the same table, priority and match: that one's counters are kept unless the new
    /// flow says
    /// <see cref="FlowFlags.ResetCounts"/>.
    /// </summary>
    /// <param name="spec">The flow in the codec, from anyone: everything is checked.</param>
    /// <param name="nowNs">Time, nanoseconds of any steady clock.</param>
    /// <param name="added">The new flow.</param>
    /// <param name="replaced">The flow that it replaces; its handle is not valid when there was none.</param>
    /// <returns>What is wrong; then nothing has changed.</returns>
    public FlowSpecError Add(ReadOnlySpan<byte> spec, long nowNs, out FlowHandle added, out FlowRemoval replaced)
    {
        (added, replaced) = (default, default);
        FlowKey key = default, mask = default;
        var error = Check(spec, out var head, ref key, ref mask);
        if (!error.IsOk) return error;

        var table = _tables[head.TableId];
        if ((head.Flags & FlowFlags.CheckOverlap) != 0 && table.HasOverlap(key, mask, head.Priority))
            return new(FlowErrorCode.Overlap);
        if (!EnsureRetireRoom()) return new(FlowErrorCode.FlowTableFull);
        var record = table.FindMask(mask);
        FlowTuple* tuple = null;
        var place = record == null ? null : FlowTable.Find(record, head.Priority, key, out tuple);
        if (place != null) return Replace(spec, head, key, mask, place, nowNs, out added, out replaced);
        if (_flows >= _options.MaxFlows) return new(FlowErrorCode.FlowTableFull);
        return table.Flows >= _options.MaxFlowsPerTable
            ? new(FlowErrorCode.TableFull) : AddNew(spec, head, key, mask, nowNs, out added);
    }

    /// <summary>
    /// Gives a flow the instructions of another specification: actions, goto_table, write_metadata, clear_actions. Match,
    /// priority, cookie,
    /// flags, timeouts and counters stay. The actions are checked against the flow's own match.
    /// </summary>
    /// <returns>What is wrong (<see cref="FlowErrorCode.StaleHandle"/>: the flow is gone); then nothing has changed.</returns>
    public FlowSpecError Modify(FlowHandle flow, ReadOnlySpan<byte> spec)
    {
        var record = _store.Find(flow);
        if (record == null) return new(FlowErrorCode.StaleHandle);
        if (!FlowSpecDecoder.TryReadHeader(spec, out var given) || spec.Length != given.TotalBytes)
            return new(FlowErrorCode.Truncated);
        if (!EnsureRetireRoom()) return new(FlowErrorCode.FlowTableFull);

        var newSpec = ComposeModified(record, spec, given);
        if (newSpec == null) return new(FlowErrorCode.FlowTableFull);
        var composed = new ReadOnlySpan<byte>(newSpec, ((FlowSpecHeader*)newSpec)->TotalBytes);
        FlowKey key = default, mask = default;
        var error = Check(composed, out var head, ref key, ref mask);
        var rule = error.IsOk ? _store.Build(composed, head, key, mask) : null;
        if (rule == null || !WidenUnion(mask, rule))
        {
            _store.FreeRule(rule);
            _store.FreeSpec(newSpec);
            return error.IsOk ? new(FlowErrorCode.FlowTableFull) : error;
        }

        var old = record->Rule;
        var place = FlowTable.Find(old->Mask, head.Priority, key, out _);
        PutInPlace(record, flow.Slot, place, old, rule, newSpec, mask, key);
        return FlowSpecError.Ok;
    }

    /// <summary>Takes a flow out.</summary>
    /// <returns><see cref="FlowErrorCode.StaleHandle"/> when it is gone already, <see cref="FlowErrorCode.FlowTableFull"/> when
    /// too many
    /// removed flows wait for lcores to let go of them: try again after <see cref="Reclaim"/>.</returns>
    public FlowSpecError Delete(FlowHandle flow, out FlowRemoval removed) =>
        Delete(flow, FlowRemovedReason.Delete, long.MinValue, out removed);

    /// <summary>Takes a flow out, with the time for the duration in <paramref name="removed"/>.</summary>
    public FlowSpecError Delete(FlowHandle flow, long nowNs, out FlowRemoval removed) =>
        Delete(flow, FlowRemovedReason.Delete, nowNs, out removed);

    /// <summary>Returns all memory. No reader may be left.</summary>
    public void Dispose()
    {
        _retired.Dispose();
        NativePages.Unmap(_idle, (nuint)_store.Slots * sizeof(uint));
        _wheel.Dispose();
        _store.Dispose();
    }

    private FlowSpecError Delete(FlowHandle flow, FlowRemovedReason reason, long nowNs, out FlowRemoval removed)
    {
        var error = Unlink(flow, reason, nowNs, out removed, out var spec);
        if (error.IsOk) _store.FreeSpec(spec);
        return error;
    }

    /// <summary>Takes a flow out, and hands its codec bytes to the caller, who frees them.</summary>
    private FlowSpecError Unlink(FlowHandle flow, FlowRemovedReason reason, long nowNs, out FlowRemoval removed, out byte* spec)
    {
        removed = default;
        spec = null;
        var record = _store.Find(flow);
        if (record == null) return new(FlowErrorCode.StaleHandle);
        if (!EnsureRetireRoom()) return new(FlowErrorCode.FlowTableFull);
        removed = Describe(record, flow.Slot, reason, nowNs);
        var rule = record->Rule;
        FlowKey key = default;
        TupleWriter.UnpackKey(rule, ref key);
        var place = FlowTable.Find(rule->Mask, rule->Entry.Priority, key, out var tuple);
        var mask = rule->Mask->Full;
        _tables[rule->Entry.TableId].Remove(tuple, place, rule);
        CountRewrites(rule, -1);
        MarkChanged(rule->Entry.TableId, mask, key);
        RetireRule(rule);
        _retired.Add(RetiredKind.Slot, null, flow.Slot);
        StopTimers(record, flow.Slot);
        spec = record->Spec;
        record->Spec = null;
        record->Rule = null;
        _flows--;
        return FlowSpecError.Ok;
    }

    private FlowSpecError Check(ReadOnlySpan<byte> spec, out FlowSpecHeader head, ref FlowKey key, ref FlowKey mask)
    {
        var error = FlowSpecDecoder.TryDecode(spec, _options.Limits, out head, ref key, ref mask);
        if (!error.IsOk || _options.PortExists == null) return error;
        error = CheckPorts(FlowSpecDecoder.Apply(spec, head), 0, out var applied);
        return error.IsOk ? CheckPorts(FlowSpecDecoder.Write(spec, head), applied, out _) : error;
    }

    private FlowSpecError CheckPorts(ReadOnlySpan<byte> section, int first, out int next)
    {
        next = first;
        var reader = new ActionReader(section);
        for (; reader.MoveNext(); next++)
        {
            if (reader.Kind == ActionKind.Output && reader.Port <= ReservedPort.Max && !_options.PortExists!(reader.Port))
                return new(FlowErrorCode.UnknownPort, ActionIndex: (short)next);
        }

        return FlowSpecError.Ok;
    }

    private FlowSpecError AddNew(
        ReadOnlySpan<byte> spec, in FlowSpecHeader head, in FlowKey key, in FlowKey mask, long nowNs, out FlowHandle added)
    {
        added = default;
        if (!TakeSlot(out var slot)) return new(FlowErrorCode.FlowTableFull);
        var rule = _store.Build(spec, head, key, mask);
        var copy = _store.StoreSpec(spec);
        var table = _tables[head.TableId];
        var place = default(FlowTable.Place);
        var code = rule == null || copy == null ? FlowErrorCode.FlowTableFull
            : table.Prepare(mask, key, head.Priority, out place);
        if (code == FlowErrorCode.None && !WidenUnion(mask, rule)) code = FlowErrorCode.FlowTableFull;
        if (code != FlowErrorCode.None)
        {
            _store.FreeRule(rule);
            if (copy != null) _store.FreeSpec(copy);
            _store.FreeSlot(slot);
            return new(code);
        }

        var record = _store.Record(slot);
        rule->Mask = place.Mask;
        rule->Entry.Slot = slot;
        rule->Entry.Generation = _store.NextGeneration(slot);
        record->Rule = rule;
        record->Spec = copy;
        StartTimers(record, slot, head, nowNs);
        table.Insert(place, rule);
        MarkChanged(head.TableId, mask, key);
        _flows++;
        added = new(slot, rule->Entry.Generation);
        return FlowSpecError.Ok;
    }

    private FlowSpecError Replace(
        ReadOnlySpan<byte> spec, in FlowSpecHeader head, in FlowKey key, in FlowKey mask, ulong* place, long nowNs,
        out FlowHandle added, out FlowRemoval replaced)
    {
        (added, replaced) = (default, default);
        var old = (FlowRule*)(*place & TupleHash.PointerMask);
        var oldSlot = old->Entry.Slot;
        var slot = oldSlot;

        // Lcores write the counters, so they are never zeroed under a flow: counting from zero means another slot.
        var fresh = (head.Flags & FlowFlags.ResetCounts) != 0;
        if (fresh && !TakeSlot(out slot)) return new(FlowErrorCode.FlowTableFull);
        var rule = _store.Build(spec, head, key, mask);
        var copy = _store.StoreSpec(spec);
        if (rule == null || copy == null || !WidenUnion(mask, rule))
        {
            _store.FreeRule(rule);
            if (copy != null) _store.FreeSpec(copy);
            if (fresh) _store.FreeSlot(slot);
            return new(FlowErrorCode.FlowTableFull);
        }

        var oldRecord = _store.Record(oldSlot);
        replaced = Describe(oldRecord, oldSlot, FlowRemovedReason.Replaced, nowNs);
        StopTimers(oldRecord, oldSlot);
        var record = _store.Record(slot);
        _store.NextGeneration(slot);
        StartTimers(record, slot, head, nowNs);
        if (fresh)
        {
            _store.FreeSpec(oldRecord->Spec);
            oldRecord->Spec = null;
            oldRecord->Rule = null;
            _retired.Add(RetiredKind.Slot, null, oldSlot);
        }

        PutInPlace(record, slot, place, old, rule, copy, mask, key);
        added = new(slot, record->Generation);
        return FlowSpecError.Ok;
    }

    /// <summary>Publishes another block in the place of a flow's and hands the old one on to be freed.</summary>
    private void PutInPlace(
        FlowRecord* record, uint slot, ulong* place, FlowRule* old, FlowRule* rule, byte* spec, in FlowKey mask, in FlowKey key)
    {
        rule->Mask = old->Mask;
        rule->Entry.Slot = slot;
        rule->Entry.Generation = record->Generation;
        if (record->Spec != null) _store.FreeSpec(record->Spec);
        record->Spec = spec;
        record->Rule = rule;
        _tables[rule->Entry.TableId].Replace(place, old, rule);
        CountRewrites(old, -1);
        MarkChanged(rule->Entry.TableId, mask, key);
        RetireRule(old);
    }

    /// <summary>The flow's own head and match with the given instructions; null when memory is exhausted.</summary>
    private byte* ComposeModified(FlowRecord* record, ReadOnlySpan<byte> spec, in FlowSpecHeader given)
    {
        var old = new ReadOnlySpan<byte>(record->Spec, record->SpecBytes);
        var head = *(FlowSpecHeader*)record->Spec;
        var match = FlowSpecDecoder.Match(old, head);
        head.Version = given.Version;
        head.GotoTable = given.GotoTable;
        head.ClearActions = given.ClearActions;
        head.MetadataValue = given.MetadataValue;
        head.MetadataMask = given.MetadataMask;
        head.ApplyBytes = given.ApplyBytes;
        head.WriteBytes = given.WriteBytes;
        var bytes = (byte*)_store.Cold.Allocate((nuint)head.TotalBytes);
        if (bytes == null) return null;
        *(FlowSpecHeader*)bytes = head;
        var target = new Span<byte>(bytes, head.TotalBytes)[FlowSpecHeader.Size..];
        match.CopyTo(target);
        FlowSpecDecoder.Apply(spec, given).CopyTo(target[match.Length..]);
        FlowSpecDecoder.Write(spec, given).CopyTo(target[(match.Length + given.ApplyBytes)..]);
        return bytes;
    }

    private FlowRemoval Describe(FlowRecord* record, uint slot, FlowRemovedReason reason, long nowNs)
    {
        ref var entry = ref record->Rule->Entry;
        _options.Statistics.Read(slot, out var packets, out var bytes);
        var duration = nowNs == long.MinValue ? 0 : nowNs - record->CreatedNs;
        return new(new(slot, entry.Generation), entry.TableId, entry.Priority, entry.Flags, reason, entry.Cookie, packets,
            bytes, duration);
    }
}
