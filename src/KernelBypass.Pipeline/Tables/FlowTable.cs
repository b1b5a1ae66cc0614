using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// One numbered table as its writer sees it: the distinct masks of its flows and the tuples they stand in.
/// </summary>
/// <remarks>
/// Tuples are merged as in TupleMerge (Daly, Bruschi, Linguaglossa, Pontarelli, Rossi, Rojas-Cessa, Torng: "TupleMerge: Fast
/// Software
/// Packet Processing for Online Packet Classification", IEEE/ACM ToN 2019): a mask's flows may stand in a tuple with a
/// coarser mask, as long as no bucket gets more than <see cref="MaxCollisions"/> of one tag. Beyond that, the mask gets a tuple
/// of its own, and its later flows go there. So a mask has at most two homes, a flow never moves, and there are at most twice
/// as many tuples
/// as masks.
/// </remarks>
internal sealed unsafe class FlowTable
{
    private const int MaskBuckets = 256;
    private const int MaxCollisions = 8;

    private readonly int _maxMasks;
    private readonly FlowArena _arena;
    private readonly RetireQueue _retired;
    private readonly TupleWriter _writer;
    private readonly TupleList** _published;
    private readonly nint[] _masks = new nint[MaskBuckets];
    private FlowTuple* _tuples;
    private int _tupleCount;
    private bool _listDirty;

    /// <param name="maxMasks">Most distinct masks.</param>
    /// <param name="published">Where readers find the list of tuples.</param>
    internal FlowTable(int maxMasks, FlowArena arena, RetireQueue retired, TupleWriter writer, TupleList** published)
    {
        (_maxMasks, _arena, _retired, _writer) = (maxMasks, arena, retired, writer);
        _published = published;
        var empty = (TupleList*)arena.AllocateZeroed(TupleList.Bytes(0));
        if (empty == null) throw new InsufficientMemoryException("No memory for an empty flow table.");
        *published = empty;
    }

    /// <summary>Flows in the table.</summary>
    internal uint Flows { get; private set; }

    /// <summary>Flows that go on to a later table.</summary>
    internal uint GotoFlows { get; private set; }

    /// <summary>Distinct masks in use (or not yet given back).</summary>
    internal int Masks { get; private set; }

    /// <summary>Hash tables that a lookup may have to probe.</summary>
    internal int Tuples => _tupleCount;

    /// <summary>Set when a mask has come or gone since the union mask was made.</summary>
    internal bool MasksChanged { get; set; }

    /// <summary>Whether one probe finds a packet's flow: at most one tuple beside the table-miss entry, and every flow ends
    /// here.</summary>
    internal bool IsDirect => GotoFlows == 0 && (*_published)->Hashed <= 1;

    /// <summary>The mask record for a mask; null when there is none yet.</summary>
    internal MatchMask* FindMask(in FlowKey mask)
    {
        var hash = KeyAlgebra.Hash(mask);
        for (var record = (MatchMask*)_masks[hash % MaskBuckets]; record != null; record = record->Next)
            if (record->Hash == hash && KeyAlgebra.Equal(record->Full, mask)) return record;
        return null;
    }

    /// <summary>The slot of the flow of this identity, the tuple it stands in and its hash there; null when there is
    /// none.</summary>
    internal static ulong* Find(MatchMask* mask, ushort priority, in FlowKey key, out FlowTuple* tuple)
    {
        tuple = mask->Exact;
        if (tuple != null)
        {
            var slot = TupleWriter.Find(tuple, TupleWriter.HashOf(tuple, key), mask, priority, key, out _);
            if (slot != null) return slot;
        }

        tuple = mask->Merged;
        return tuple == null ? null : TupleWriter.Find(tuple, TupleWriter.HashOf(tuple, key), mask, priority, key, out _);
    }

    /// <summary>Where a new flow goes.</summary>
    internal struct Place
    {
        internal MatchMask* Mask;
        internal FlowTuple* Tuple;
        internal ulong Hash;
    }

    /// <summary>Finds or makes mask and tuple for a new flow, with room in it.</summary>
    /// <returns>None, or the limit that is reached; nothing that a reader or a caller can see has changed then.</returns>
    internal FlowErrorCode Prepare(in FlowKey mask, in FlowKey key, ushort priority, out Place place)
    {
        place = default;
        var record = FindMask(mask);
        if (record == null)
        {
            if (Masks >= _maxMasks) PruneEmpty();
            if (Masks >= _maxMasks) return FlowErrorCode.MaskTableFull;
            record = AddMask(mask);
            if (record == null) return FlowErrorCode.FlowTableFull;
        }

        place.Mask = record;
        place.Tuple = ChooseTuple(record, priority, key);
        if (place.Tuple == null) return FlowErrorCode.FlowTableFull;
        place.Hash = TupleWriter.HashOf(place.Tuple, key);
        return _writer.Prepare(place.Tuple, place.Hash, priority) ? FlowErrorCode.None : FlowErrorCode.FlowTableFull;
    }

    /// <summary>Puts a finished flow into its place.</summary>
    internal void Insert(in Place place, FlowRule* rule)
    {
        var before = place.Tuple->MaxPriority;
        if (place.Tuple != place.Mask->Exact) Volatile.Write(ref place.Tuple->Mixed, 1);
        TupleWriter.Insert(place.Tuple, place.Hash, rule);
        place.Mask->Flows++;
        if (place.Mask->Flows == 1) MasksChanged = true;
        _listDirty |= before != place.Tuple->MaxPriority;
        Flows++;
        if (rule->Entry.GotoTable != FlowSpecHeader.NoGoto) GotoFlows++;
    }

    /// <summary>Puts a flow in the place of another of the same identity.</summary>
    internal void Replace(ulong* slot, FlowRule* old, FlowRule* rule)
    {
        TupleWriter.Replace(slot, rule);
        if (old->Entry.GotoTable != FlowSpecHeader.NoGoto) GotoFlows--;
        if (rule->Entry.GotoTable != FlowSpecHeader.NoGoto) GotoFlows++;
    }

    /// <summary>Takes a flow out.</summary>
    internal void Remove(FlowTuple* tuple, ulong* slot, FlowRule* rule)
    {
        var before = tuple->MaxPriority;
        TupleWriter.Remove(tuple, slot, rule->Entry.Priority);
        _listDirty |= before != tuple->MaxPriority;
        if (--rule->Mask->Flows == 0) MasksChanged = true;
        Flows--;
        if (rule->Entry.GotoTable != FlowSpecHeader.NoGoto) GotoFlows--;
        _writer.Shrink(tuple);
    }

    /// <summary>Whether a flow of the same priority overlaps (OpenFlow 1.3.5, 6.4, OFPFF_CHECK_OVERLAP).</summary>
    /// <remarks>A tuple whose mask is within the new flow's needs one probe; another is scanned, if it has flows of the
    /// priority.</remarks>
    internal bool HasOverlap(in FlowKey key, in FlowKey mask, ushort priority)
    {
        for (var tuple = _tuples; tuple != null; tuple = tuple->Next)
        {
            if (!TupleWriter.HasPriority(tuple, priority)) continue;
            var probe = KeyAlgebra.Covers(mask, tuple->Full);
            var first = probe ? TupleWriter.HashOf(tuple, key) & tuple->Hash->Mask : 0;
            var last = probe ? first : tuple->Hash->Mask;
            for (var b = first; b <= last; b++)
                if (BucketOverlaps(TupleHash.Bucket(tuple->Hash, b), key, mask, priority)) return true;
        }

        return false;
    }

    /// <summary>Ors every mask in use into a union.</summary>
    internal void AddMasksTo(ref FlowKey union)
    {
        foreach (var head in _masks)
            for (var record = (MatchMask*)head; record != null; record = record->Next)
                for (var i = 0; i < FlowKeyLayout.Words && record->Flows > 0; i++) union[i] |= record->Full[i];
    }

    /// <summary>Makes the list of tuples that readers use, if it has changed; drops masks and tuples without flows.</summary>
    /// <returns>False when memory is exhausted: the old list stays in force, and nothing retired may be freed yet.</returns>
    internal bool Publish()
    {
        if (!_listDirty) return true;
        PruneEmpty();
        var list = (TupleList*)_arena.AllocateZeroed(TupleList.Bytes(_tupleCount));

        if (list == null) return false;
        for (var tuple = _tuples; tuple != null; tuple = tuple->Next) AddSorted(list, tuple);
        var old = *_published;
        Volatile.Write(ref *(nint*)_published, (nint)list);
        _retired.Add(RetiredKind.Block, old, TupleList.Bytes(old->Count));
        _listDirty = false;
        return true;
    }

    private static void AddSorted(TupleList* list, FlowTuple* tuple)
    {
        var items = TupleList.Items(list);
        var at = list->Count++;
        for (; at > 0 && items[at - 1].MaxPriority < tuple->MaxPriority; at--) items[at] = items[at - 1];
        items[at] = new() { Tuple = tuple, MaxPriority = tuple->MaxPriority };
        if (tuple->Words.Count > 0) list->Hashed++;
    }

    private static bool BucketOverlaps(ulong* bucket, in FlowKey key, in FlowKey mask, ushort priority)
    {
        for (; bucket != null; bucket = (ulong*)bucket[TupleHash.SlotsPerBucket])
        {
            for (var i = 0; i < TupleHash.SlotsPerBucket; i++)
            {
                if (bucket[i] == 0) continue;
                var rule = (FlowRule*)(bucket[i] & TupleHash.PointerMask);
                if (rule->Entry.Priority != priority) continue;
                FlowKey other = default;
                TupleWriter.UnpackKey(rule, ref other);
                if (KeyAlgebra.Overlaps(key, mask, other, rule->Mask->Full)) return true;
            }
        }

        return false;
    }

    private MatchMask* AddMask(in FlowKey mask)
    {
        var record = (MatchMask*)_arena.AllocateZeroed((nuint)sizeof(MatchMask));
        if (record == null) return null;
        MaskWords.Fill(&record->Words, mask);
        record->Full = mask;
        record->Hash = KeyAlgebra.Hash(mask);
        ref var head = ref _masks[record->Hash % MaskBuckets];
        record->Next = (MatchMask*)head;
        head = (nint)record;
        Masks++;
        _listDirty = true;
        return record;
    }

    private FlowTuple* ChooseTuple(MatchMask* record, ushort priority, in FlowKey key)
    {
        if (record->Exact != null) return record->Exact;
        if (record->Merged != null)
            return HasRoom(record->Merged, record, priority, key) ? record->Merged : record->Exact = AddTuple(record->Full);

        FlowTuple* best = null;
        for (var tuple = _tuples; tuple != null; tuple = tuple->Next)
        {
            if (KeyAlgebra.Equal(tuple->Full, record->Full)) return record->Exact = tuple;
            if (tuple->MaskBits == 0 || (best != null && tuple->MaskBits <= best->MaskBits)) continue;
            if (KeyAlgebra.Covers(record->Full, tuple->Full) && HasRoom(tuple, record, priority, key)) best = tuple;
        }

        if (best != null) return record->Merged = best;
        FlowKey relaxed = record->Full;
        MaskRelaxation.Relax(ref relaxed);
        if (FindTuple(relaxed) != null || KeyAlgebra.Equal(relaxed, record->Full) || KeyAlgebra.Bits(relaxed) == 0)
            return record->Exact = AddTuple(record->Full);
        return record->Merged = AddTuple(relaxed);
    }

    private static bool HasRoom(FlowTuple* tuple, MatchMask* mask, ushort priority, in FlowKey key)
    {
        TupleWriter.Find(tuple, TupleWriter.HashOf(tuple, key), mask, priority, key, out var collisions);
        return collisions < MaxCollisions;
    }

    private FlowTuple* FindTuple(in FlowKey mask)
    {
        for (var tuple = _tuples; tuple != null; tuple = tuple->Next)
            if (KeyAlgebra.Equal(tuple->Full, mask)) return tuple;
        return null;
    }

    private FlowTuple* AddTuple(in FlowKey mask)
    {
        var tuple = FindTuple(mask);
        if (tuple != null) return tuple;
        tuple = _writer.Create(mask);
        if (tuple == null) return null;
        tuple->Next = _tuples;
        _tuples = tuple;
        _tupleCount++;
        _listDirty = true;
        return tuple;
    }

    /// <summary>Takes masks and tuples without flows out of the writer's lists, and out of the readers' at the end of <see
    /// cref="Publish"/>.</summary>
    private void PruneEmpty()
    {
        for (var i = 0; i < MaskBuckets; i++)
        {
            fixed (nint* head = &_masks[i])
            {
                for (var link = (MatchMask**)head; *link != null;)
                {
                    var record = *link;
                    if (record->Exact != null && record->Exact->Flows == 0) record->Exact = null;
                    if (record->Merged != null && record->Merged->Flows == 0) record->Merged = null;
                    if (record->Flows > 0)
                    {
                        link = &record->Next;
                        continue;
                    }

                    *link = record->Next;
                    Masks--;
                    _retired.Add(RetiredKind.Block, record, (ulong)sizeof(MatchMask));
                }
            }
        }

        fixed (FlowTuple** first = &_tuples)
        {
            for (var link = first; *link != null;)
            {
                var tuple = *link;
                if (tuple->Flows > 0)
                {
                    link = &tuple->Next;
                    continue;
                }

                *link = tuple->Next;
                _tupleCount--;
                _writer.Retire(tuple);
            }
        }

        _listDirty = true;
    }
}
