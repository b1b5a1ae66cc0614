using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// Changes one tuple's hash table under the eyes of readers. A slot is one word (16 bits of tag, 48 of pointer), so a flow
/// appears,
/// changes and goes by one store; slots never move, and a greater array is filled aside and swapped.
/// </summary>
internal sealed unsafe class TupleWriter(FlowArena arena, RetireQueue retired)
{
    private const ulong FirstBuckets = 2;

    /// <summary>Average flows in a bucket beyond which the array doubles.</summary>
    private const ulong MaxLoad = 4;

    /// <summary>A new, empty tuple; null when memory is exhausted.</summary>
    internal FlowTuple* Create(in FlowKey mask)
    {
        var tuple = (FlowTuple*)arena.AllocateZeroed((nuint)sizeof(FlowTuple));
        if (tuple == null) return null;
        tuple->Hash = NewHash(FirstBuckets);
        if (tuple->Hash == null)
        {
            arena.Free(tuple, (nuint)sizeof(FlowTuple));
            return null;
        }

        MaskWords.Fill(&tuple->Words, mask);
        tuple->Full = mask;
        tuple->MaskBits = KeyAlgebra.Bits(mask);
        return tuple;
    }

    /// <summary>Retires a tuple that is in no list any more.</summary>
    internal void Retire(FlowTuple* tuple)
    {
        RetireHash(tuple->Hash);
        arena.Free(tuple->Priorities, PriorityBytes(tuple->PriorityCapacity));
        retired.Add(RetiredKind.Block, tuple, (ulong)sizeof(FlowTuple));
    }

    /// <summary>Hash of a key in a tuple.</summary>
    internal static ulong HashOf(FlowTuple* tuple, in FlowKey key)
    {
        var masked = stackalloc ulong[FlowKeyLayout.Words];
        fixed (FlowKey* words = &key) return MaskWords.HashMasked(&tuple->Words, (ulong*)words, masked);
    }

    /// <summary>The slot of the flow with this mask, priority and key; null when there is none.</summary>
    internal static ulong* Find(FlowTuple* tuple, ulong hash, MatchMask* mask, ushort priority, in FlowKey key, out int sameTag)
    {
        sameTag = 0;
        var tag = TupleHash.Tag(hash) >> TupleHash.TagShift;
        fixed (FlowKey* words = &key)
        {
            var bucket = TupleHash.Bucket(tuple->Hash, hash);
            for (; bucket != null; bucket = (ulong*)bucket[TupleHash.SlotsPerBucket])
            {
                for (var i = 0; i < TupleHash.SlotsPerBucket; i++)
                {
                    if (bucket[i] >> TupleHash.TagShift != tag) continue;
                    sameTag++;
                    var rule = (FlowRule*)(bucket[i] & TupleHash.PointerMask);
                    if (rule->Mask != mask || rule->Entry.Priority != priority) continue;
                    if (MaskWords.Matches(&mask->Words, (ulong*)words, FlowRule.Key(rule))) return bucket + i;
                }
            }
        }

        return null;
    }

    /// <summary>Makes room for one more flow with this hash and priority, so that <see cref="Insert"/> cannot fail.</summary>
    /// <returns>False when memory is exhausted; nothing has changed then.</returns>
    internal bool Prepare(FlowTuple* tuple, ulong hash, ushort priority)
    {
        if (!ReservePriority(tuple, priority)) return false;
        if (tuple->Flows >= (tuple->Hash->Mask + 1) * MaxLoad && !Resize(tuple, (tuple->Hash->Mask + 1) * 2)) return false;
        var last = LastBucket(tuple->Hash, hash, out var free);
        if (free != null) return true;
        var overflow = (ulong*)arena.AllocateZeroed(TupleHash.BucketWords * sizeof(ulong));
        if (overflow == null) return false;
        tuple->Hash->Overflows++;
        Volatile.Write(ref last[TupleHash.SlotsPerBucket], (ulong)overflow);
        return true;
    }

    /// <summary>Publishes a finished flow.</summary>
    internal static void Insert(FlowTuple* tuple, ulong hash, FlowRule* rule)
    {
        LastBucket(tuple->Hash, hash, out var free);
        Volatile.Write(ref *free, TupleHash.Tag(hash) | (ulong)rule);
        tuple->Flows++;
        AddPriority(tuple, rule->Entry.Priority);
    }

    /// <summary>Publishes a flow in the place of another with the same match and priority.</summary>
    internal static void Replace(ulong* slot, FlowRule* rule) =>
        Volatile.Write(ref *slot, (*slot & ~TupleHash.PointerMask) | (ulong)rule);

    /// <summary>Unpublishes a flow.</summary>
    internal static void Remove(FlowTuple* tuple, ulong* slot, ushort priority)
    {
        Volatile.Write(ref *slot, 0);
        tuple->Flows--;
        var at = PriorityAt(tuple, priority);
        if (--tuple->Priorities[at].Flows > 0) return;
        tuple->PriorityCount--;
        Move(tuple->Priorities + at + 1, tuple->Priorities + at, tuple->PriorityCount - at);
    }

    /// <summary>Gives memory back when few flows are left in a great array. Failing to get the lesser one changes
    /// nothing.</summary>
    internal void Shrink(FlowTuple* tuple)
    {
        var buckets = tuple->Hash->Mask + 1;
        if (buckets > 64 && tuple->Flows < buckets / 4) Resize(tuple, buckets / 4);
    }

    /// <summary>Whether the tuple has flows of a priority.</summary>
    internal static bool HasPriority(FlowTuple* tuple, ushort priority)
    {
        var at = PriorityAt(tuple, priority);
        return at < tuple->PriorityCount && tuple->Priorities[at].Priority == priority;
    }

    private static ulong* LastBucket(TupleHash* table, ulong hash, out ulong* free)
    {
        free = null;
        var bucket = TupleHash.Bucket(table, hash);
        while (true)
        {
            for (var i = 0; i < TupleHash.SlotsPerBucket && free == null; i++)
                if (bucket[i] == 0) free = bucket + i;
            var next = (ulong*)bucket[TupleHash.SlotsPerBucket];
            if (free != null || next == null) return bucket;
            bucket = next;
        }
    }

    private TupleHash* NewHash(ulong buckets)
    {
        var table = (TupleHash*)arena.AllocateZeroed(TupleHash.Bytes(buckets));
        if (table != null) table->Mask = buckets - 1;
        return table;
    }

    private bool Resize(FlowTuple* tuple, ulong buckets)
    {
        var old = tuple->Hash;
        var table = NewHash(buckets);
        if (table == null || !CopyAll(tuple, old, table))
        {
            if (table != null) FreeHash(table);
            return false;
        }

        Volatile.Write(ref *(nint*)&tuple->Hash, (nint)table);
        RetireHash(old);
        return true;
    }

    private bool CopyAll(FlowTuple* tuple, TupleHash* old, TupleHash* table)
    {
        const ulong Ahead = 4;
        for (ulong b = 0; b <= old->Mask; b++)
        {
            if (b + Ahead <= old->Mask) PrefetchRules(TupleHash.Bucket(old, b + Ahead));
            for (var bucket = TupleHash.Bucket(old, b); bucket != null; bucket = (ulong*)bucket[TupleHash.SlotsPerBucket])
                for (var i = 0; i < TupleHash.SlotsPerBucket; i++)
                    if (bucket[i] != 0 && !CopySlot(tuple, table, bucket[i])) return false;
        }

        return true;
    }

    private static void PrefetchRules(ulong* bucket)
    {
        for (var i = 0; i < TupleHash.SlotsPerBucket; i++)
            if (bucket[i] != 0) CacheLine.Prefetch((byte*)(bucket[i] & TupleHash.PointerMask) + 64);
    }

    private bool CopySlot(FlowTuple* tuple, TupleHash* table, ulong slot)
    {
        var hash = RuleHash(tuple, (FlowRule*)(slot & TupleHash.PointerMask));
        var last = LastBucket(table, hash, out var free);
        if (free == null)
        {
            var overflow = (ulong*)arena.AllocateZeroed(TupleHash.BucketWords * sizeof(ulong));
            if (overflow == null) return false;
            table->Overflows++;
            last[TupleHash.SlotsPerBucket] = (ulong)overflow;
            free = overflow;
        }

        *free = slot;
        return true;
    }

    /// <summary>Hash in a tuple of a flow that stands in it: its key has every bit of the tuple's mask.</summary>
    internal static ulong RuleHash(FlowTuple* tuple, FlowRule* rule)
    {
        FlowKey key = default;
        UnpackKey(rule, ref key);
        return HashOf(tuple, key);
    }

    /// <summary>A flow's masked key in full.</summary>
    internal static void UnpackKey(FlowRule* rule, ref FlowKey key)
    {
        var words = &rule->Mask->Words;
        for (var i = 0; i < words->Count; i++) key[words->Index[i]] = FlowRule.Key(rule)[i];
    }

    private void RetireHash(TupleHash* table) => retired.Add(RetiredKind.Hash, table, 0);

    /// <summary>Frees an array, and the overflow buckets that hang on it, that no reader can see.</summary>
    internal void FreeHash(TupleHash* table)
    {
        for (ulong b = 0; b <= table->Mask && table->Overflows > 0; b++)
        {
            var bucket = (ulong*)TupleHash.Bucket(table, b)[TupleHash.SlotsPerBucket];
            while (bucket != null)
            {
                var next = (ulong*)bucket[TupleHash.SlotsPerBucket];
                arena.Free(bucket, TupleHash.BucketWords * sizeof(ulong));
                table->Overflows--;
                bucket = next;
            }
        }

        arena.Free(table, TupleHash.Bytes(table->Mask + 1));
    }

    private static nuint PriorityBytes(int capacity) => (nuint)(capacity * sizeof(PriorityCount));

    private static int PriorityAt(FlowTuple* tuple, uint priority)
    {
        int low = 0, high = tuple->PriorityCount;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (tuple->Priorities[middle].Priority < priority) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    private bool ReservePriority(FlowTuple* tuple, ushort priority)
    {
        if (tuple->PriorityCount < tuple->PriorityCapacity || HasPriority(tuple, priority)) return true;
        var capacity = Math.Max(8, tuple->PriorityCapacity * 2);
        var counts = (PriorityCount*)arena.Allocate(PriorityBytes(capacity));
        if (counts == null) return false;
        Move(tuple->Priorities, counts, tuple->PriorityCount);
        arena.Free(tuple->Priorities, PriorityBytes(tuple->PriorityCapacity));
        tuple->Priorities = counts;
        tuple->PriorityCapacity = capacity;
        return true;
    }

    private static void AddPriority(FlowTuple* tuple, ushort priority)
    {
        var at = PriorityAt(tuple, priority);
        if (at < tuple->PriorityCount && tuple->Priorities[at].Priority == priority)
        {
            tuple->Priorities[at].Flows++;
            return;
        }

        Move(tuple->Priorities + at, tuple->Priorities + at + 1, tuple->PriorityCount - at);
        tuple->Priorities[at] = new() { Priority = priority, Flows = 1 };
        tuple->PriorityCount++;
    }

    private static void Move(PriorityCount* from, PriorityCount* to, int count) =>
        Buffer.MemoryCopy(from, to, PriorityBytes(count), PriorityBytes(count));
}

/// <summary>Asks for a cache line ahead of its use.</summary>
internal static unsafe class CacheLine
{
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    internal static void Prefetch(void* address)
    {
        if (System.Runtime.Intrinsics.X86.Sse.IsSupported) System.Runtime.Intrinsics.X86.Sse.Prefetch0(address);
    }
}
