using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// Looks up a burst of keys in one table. Each tuple is probed in three rounds over the burst: hash and prefetch buckets;
/// compare tags and
/// prefetch flows; compare keys. So the cache misses of up to <see cref="Width"/> packets overlap. A packet leaves the burst as
/// soon as no
/// later tuple can have a flow of higher priority. One for each reader; not shared.
/// </summary>
internal sealed unsafe class TupleProbe : IDisposable
{
    /// <summary>Most keys at once.</summary>
    internal const int Width = 32;

    /// <summary>Buckets, four kilobytes of them, up to which a tuple is probed in one round.</summary>
    private const ulong SmallBuckets = 64;

    private readonly Scratch* _scratch = (Scratch*)NativePages.Reserve((nuint)sizeof(Scratch), "lookup scratch");

    private struct Scratch
    {
        internal fixed ulong Masked[Width * FlowKeyLayout.Words];
        internal fixed long Bucket[Width];
        internal fixed ulong Tag[Width];
        internal fixed int Priority[Width];
        internal fixed uint Candidates[Width];
        internal fixed byte Active[Width];
        internal fixed byte All[Width];
    }

    internal TupleProbe()
    {
        for (var i = 0; i < Width; i++) _scratch->All[i] = (byte)i;
    }

    /// <summary>Hash tables probed since the start, over all keys.</summary>
    internal ulong TuplesProbed { get; private set; }

    /// <summary>Finds for each key the flow of highest priority that it matches.</summary>
    /// <param name="list">The table's tuples.</param>
    /// <param name="keys">Pointers to <paramref name="count"/> keys.</param>
    /// <param name="best">Filled with a flow, or null, for each key.</param>
    /// <param name="count">At most <see cref="Width"/>.</param>
    internal void Lookup(TupleList* list, FlowKey** keys, FlowRule** best, int count)
    {
        var scratch = _scratch;
        new Span<nint>(best, count).Clear();
        new Span<int>(scratch->Priority, count).Fill(-1);
        var items = TupleList.Items(list);
        var active = scratch->All;
        for (var t = 0; t < list->Count; t++)
        {
            var highest = (int)items[t].MaxPriority;
            if (t > 0)
            {
                var left = 0;
                for (var j = 0; j < count; j++)
                {
                    var i = active[j];
                    scratch->Active[left] = i;
                    left += scratch->Priority[i] < highest ? 1 : 0;
                }

                active = scratch->Active;
                count = left;
            }

            if (count == 0) return;
            TuplesProbed += (ulong)count;
            Probe(items[t].Tuple, highest, keys, best, active, count);
        }
    }

    /// <summary>As <see cref="Lookup"/> for one key, with the number of tuples probed.</summary>
    internal FlowRule* LookupOne(TupleList* list, FlowKey* key, out int tuplesProbed)
    {
        var before = TuplesProbed;
        FlowRule* best;
        Lookup(list, &key, &best, 1);
        tuplesProbed = (int)(TuplesProbed - before);
        return best;
    }

    public void Dispose() => NativePages.Unmap(_scratch, (nuint)sizeof(Scratch));

    private void Probe(FlowTuple* tuple, int highest, FlowKey** keys, FlowRule** best, byte* active, int count)
    {
        var table = (TupleHash*)Volatile.Read(ref *(nint*)&tuple->Hash);
        if (table->Mask < SmallBuckets) ProbeSmall(tuple, table, highest, keys, best, active, count);
        else ProbeLarge(tuple, table, highest, keys, best, active, count);
    }

    /// <remarks>Apart from <see cref="ProbeSmall"/>, so that each is profiled and compiled for itself: tables start small, and code
    /// that was cold then must not stay so.</remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ProbeLarge(
        FlowTuple* tuple, TupleHash* table, int highest, FlowKey** keys, FlowRule** best, byte* active, int count)
    {
        var scratch = _scratch;
        var buckets = (byte*)table + TupleHash.Size;
        var mask = table->Mask;
        for (var j = 0; j < count; j++)
        {
            int i = active[j];
            var hash = MaskWords.HashMasked(&tuple->Words, (ulong*)keys[i], scratch->Masked + i * FlowKeyLayout.Words);
            var bucket = buckets + (hash & mask) * (TupleHash.BucketWords * sizeof(ulong));
            CacheLine.Prefetch(bucket);
            scratch->Bucket[i] = (long)bucket;
            scratch->Tag[i] = TupleHash.Tag(hash) >> TupleHash.TagShift;
        }

        for (var j = 0; j < count; j++)
        {
            int i = active[j];
            var bucket = (ulong*)scratch->Bucket[i];
            var candidates = Candidates(bucket, scratch->Tag[i]);
            scratch->Candidates[i] = candidates;
            if (candidates == 0) continue;
            var rule = (byte*)(bucket[BitOperations.TrailingZeroCount(candidates)] & TupleHash.PointerMask);
            CacheLine.Prefetch(rule);
            CacheLine.Prefetch(rule + 64);
        }

        for (var j = 0; j < count; j++)
        {
            int i = active[j];
            Compare(tuple, highest, i, (ulong*)keys[i], (ulong*)scratch->Bucket[i], scratch->Tag[i], scratch->Candidates[i],
                best);
        }
    }

    /// <summary>
    /// The same in one round, for buckets that stay in the first cache anyway. Neighbours that look the same under the mask
    /// meet the
    /// same flow, unless flows of finer masks stand in the tuple.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ProbeSmall(
        FlowTuple* tuple, TupleHash* table, int highest, FlowKey** keys, FlowRule** best, byte* active, int count)
    {
        var masked = _scratch->Masked;
        ulong* last = null;
        FlowRule* met = null;
        for (var j = 0; j < count; j++)
        {
            int i = active[j];
            var key = (ulong*)keys[i];
            if (last != null && MaskWords.Matches(&tuple->Words, key, last))
            {
                if (met->Entry.Priority <= _scratch->Priority[i]) continue;
                best[i] = met;
                _scratch->Priority[i] = met->Entry.Priority;
                continue;
            }

            var hash = MaskWords.HashMasked(&tuple->Words, key, masked + i * FlowKeyLayout.Words);
            var bucket = TupleHash.Bucket(table, hash);
            var tag = TupleHash.Tag(hash) >> TupleHash.TagShift;
            var before = best[i];
            Compare(tuple, highest, i, key, bucket, tag, Candidates(bucket, tag), best);
            met = best[i];
            last = met != before && Volatile.Read(ref tuple->Mixed) == 0 ? masked + i * FlowKeyLayout.Words : null;
        }
    }

    /// <summary>One bit for each slot of a bucket with this tag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Candidates(ulong* bucket, ulong tag)
    {
        const uint FlowSlots = (1u << TupleHash.SlotsPerBucket) - 1;
        if (Vector512.IsHardwareAccelerated)
        {
            var tags = Vector512.Load(bucket) >>> TupleHash.TagShift;
            return (uint)Vector512.Equals(tags, Vector512.Create(tag)).ExtractMostSignificantBits() & FlowSlots;
        }

        var wanted = Vector256.Create(tag);
        var low = Vector256.Equals(Vector256.Load(bucket) >>> TupleHash.TagShift, wanted).ExtractMostSignificantBits();
        var high = Vector256.Equals(Vector256.Load(bucket + 4) >>> TupleHash.TagShift, wanted).ExtractMostSignificantBits();
        return (low | (high << 4)) & FlowSlots;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Compare(
        FlowTuple* tuple, int highest, int i, ulong* key, ulong* bucket, ulong tag, uint candidates, FlowRule** best)
    {
        var scratch = _scratch;
        while (true)
        {
            for (; candidates != 0; candidates &= candidates - 1)
            {
                // The writer may have changed the slot since its tag was compared.
                var slot = Volatile.Read(ref bucket[BitOperations.TrailingZeroCount(candidates)]);
                if (slot >> TupleHash.TagShift != tag) continue;
                var rule = (FlowRule*)(slot & TupleHash.PointerMask);

                // Mixed is read after the slot: it is set before the first flow with a finer mask is published.
                var matches = Volatile.Read(ref tuple->Mixed) == 0
                    ? Same(scratch->Masked + i * FlowKeyLayout.Words, FlowRule.Key(rule), tuple->Words.Count)
                    : MaskWords.Matches(&rule->Mask->Words, key, FlowRule.Key(rule));
                if (!matches || rule->Entry.Priority <= scratch->Priority[i]) continue;
                best[i] = rule;
                scratch->Priority[i] = rule->Entry.Priority;
                if (rule->Entry.Priority >= highest) return;
            }

            bucket = (ulong*)Volatile.Read(ref bucket[TupleHash.SlotsPerBucket]);
            if (bucket == null) return;
            candidates = Candidates(bucket, tag);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Same(ulong* masked, ulong* packed, int words)
    {
        ulong difference = 0;
        for (var w = 0; w < words; w++) difference |= masked[w] ^ packed[w];
        return difference == 0;
    }
}
