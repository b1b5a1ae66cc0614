using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>One table on a packet's way.</summary>
/// <param name="TableId">The table.</param>
/// <param name="Flow">The flow met; not valid when the table has none for the packet.</param>
/// <param name="Priority">Its priority.</param>
/// <param name="TuplesProbed">Hash tables that were probed.</param>
public readonly record struct ExplainStep(byte TableId, FlowHandle Flow, ushort Priority, int TuplesProbed);

// What the writer's thread may ask.
public sealed unsafe partial class FlowTables
{
    private TupleProbe? _explainProbe;

    /// <summary>A flow's state and codec bytes; the span is valid until the tables change. False when the handle is
    /// stale.</summary>
    public bool TryGet(FlowHandle flow, out FlowInfo info, out ReadOnlySpan<byte> spec)
    {
        var record = _store.Find(flow);
        if (record == null)
        {
            info = default;
            spec = default;
            return false;
        }

        Read(flow.Slot, out info, out spec);
        return true;
    }

    /// <summary>A flow's entry as the lcores see it, valid until the tables change; null when the handle is stale.</summary>
    public FlowEntry* Entry(FlowHandle flow)
    {
        var record = _store.Find(flow);
        return record == null ? null : &record->Rule->Entry;
    }

    /// <summary>Finds the flow with the table, priority and match of a specification (whose actions do not matter).</summary>
    /// <returns><see cref="FlowErrorCode.NotFound"/>, or what is wrong with the match.</returns>
    public FlowSpecError Find(ReadOnlySpan<byte> spec, out FlowHandle flow)
    {
        flow = default;
        if (!FlowSpecDecoder.TryReadHeader(spec, out var head)) return new(FlowErrorCode.Truncated);
        if (head.Version != FlowSpecHeader.CurrentVersion) return new(FlowErrorCode.BadVersion);
        if (spec.Length != head.TotalBytes) return new(FlowErrorCode.Truncated);
        if (head.TableId >= _tables.Length) return new(FlowErrorCode.BadTable);
        FlowKey key = default, mask = default;
        var error = FlowSpecDecoder.DecodeMatch(FlowSpecDecoder.Match(spec, head), ref key, ref mask);
        if (!error.IsOk) return error;
        var record = _tables[head.TableId].FindMask(mask);
        var place = record == null ? null : FlowTable.Find(record, head.Priority, key, out _);
        if (place == null) return new(FlowErrorCode.NotFound);
        var rule = (FlowRule*)(*place & TupleHash.PointerMask);
        flow = new(rule->Entry.Slot, rule->Entry.Generation);
        return FlowSpecError.Ok;
    }

    /// <summary>
    /// Steps to the next flow of a walk over all. The tables may change between two steps: flows that stand throughout are
    /// given exactly once.
    /// </summary>
    /// <param name="cursor">0 to begin; then as it was left.</param>
    /// <param name="info">The flow.</param>
    /// <param name="spec">Its codec bytes; valid until the tables change.</param>
    public bool Dump(ref uint cursor, out FlowInfo info, out ReadOnlySpan<byte> spec)
    {
        for (; cursor < _store.UsedSlots; cursor++)
        {
            if (_store.Record(cursor)->Rule == null) continue;
            Read(cursor++, out info, out spec);
            return true;
        }

        info = default;
        spec = default;
        return false;
    }

    /// <summary>One table's state.</summary>
    public FlowTableStatus Status(byte table) => new(
        table, _tables[table].Flows, _options.MaxFlowsPerTable, _tables[table].Masks, _options.MaxMasks, _tables[table].Tuples);

    /// <summary>Bytes of native memory ever taken for flows, counters apart.</summary>
    public long MemoryBytes => _store.TouchedBytes + _idleCount * sizeof(uint);

    /// <summary>Walks the tables as a packet with this key would, counting nothing. Publishes pending changes first.</summary>
    /// <param name="key">The packet's key; metadata is taken as zero.</param>
    /// <param name="steps">Filled in order; 64 are always enough.</param>
    /// <returns>Steps written. The last one without a valid flow: a table miss.</returns>
    public int Explain(in FlowKey key, Span<ExplainStep> steps)
    {
        Publish();
        _explainProbe ??= new TupleProbe();
        var changing = key;
        changing[FlowKeyLayout.Metadata / 8] = 0;
        var count = 0;
        for (byte table = 0; count < steps.Length;)
        {
            var rule = _explainProbe.LookupOne(PipelineRoot.Table(_root, table), &changing, out var probed);
            if (rule == null)
            {
                steps[count++] = new(table, default, 0, probed);
                break;
            }

            steps[count++] = new(table, new(rule->Entry.Slot, rule->Entry.Generation), rule->Entry.Priority, probed);
            if (rule->Entry.GotoTable == FlowSpecHeader.NoGoto || !Actions.KeyRewriter.Apply(&rule->Entry, &changing)) break;
            table = rule->Entry.GotoTable;
        }

        return count;
    }

    private void Read(uint slot, out FlowInfo info, out ReadOnlySpan<byte> spec)
    {
        var record = _store.Record(slot);
        _options.Statistics.Read(slot, out var packets, out var bytes);
        info = new(new(slot, record->Rule->Entry.Generation), record->CreatedNs, record->LastUsedNs, packets, bytes);
        spec = new ReadOnlySpan<byte>(record->Spec, record->SpecBytes);
    }
}
