using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Stages.Classify;

/// <summary>
/// One lcore's cache of whole walks, before the tables. The key is the packet's key under the union mask: every bit that any
/// flow looks at.
/// </summary>
/// <remarks>
/// Sets of eight ways: eight 16-bit tags in one array, eight entries in another. An entry has the version and epoch that were
/// in force before
/// its walk; it holds while both are. If not, the packet walks again and its entry is written anew: nothing is ever flushed.
/// An entry takes one cache line for up to four words of key, two for up to twelve, three else; each size has an area of its
/// own (address
/// space only, until it is used), so that a key of one layout is never read as a pointer of another.
/// </remarks>
internal sealed unsafe class FlowCache : IDisposable
{
    internal const int Ways = 8;
    private const int Line = 64;
    private const int HeadBytes = 32;
    private const int Areas = 3;

    private readonly PipelineRoot* _root;
    private readonly PathStore _paths;
    private readonly ulong _sets;
    private readonly ushort* _tags;
    private readonly byte*[] _areas = new byte*[Areas];
    private readonly Scratch* _scratch = (Scratch*)NativePages.Reserve((nuint)sizeof(Scratch), "flow cache scratch");
    private PipelineView* _view;
    private byte* _entries;
    private nuint _stride;
    private ulong _stamp;
    private uint _victim;

    [StructLayout(LayoutKind.Explicit, Size = HeadBytes)]
    private struct Entry
    {
        /// <summary>Version (40 bits), path flushes (16), number of flows (7), missed (1).</summary>
        [FieldOffset(0)] internal ulong Stamp;
        [FieldOffset(8)] internal uint Epoch;
        [FieldOffset(12)] internal ushort Cell;

        /// <summary>The first flow, or the path when there are more than two.</summary>
        [FieldOffset(16)] internal nint Flow0;
        [FieldOffset(24)] internal nint Flow1;

        internal static ulong* Key(Entry* entry) => (ulong*)((byte*)entry + HeadBytes);
    }

    private struct Scratch
    {
        internal fixed ulong Masked[TupleProbe.Width * FlowKeyLayout.Words];
        internal fixed ulong Set[TupleProbe.Width];
        internal fixed long Stale[TupleProbe.Width];
        internal fixed uint Candidates[TupleProbe.Width];
        internal fixed uint Epoch[TupleProbe.Width];
        internal fixed ushort Tag[TupleProbe.Width];
        internal fixed ushort Cell[TupleProbe.Width];
    }

    /// <param name="entries">Entries, a power of two, at least eight.</param>
    internal FlowCache(PipelineRoot* root, PathStore paths, ulong entries)
    {
        (_sets, _paths) = (entries / Ways, paths);
        _root = root;
        _tags = (ushort*)NativePages.Reserve((nuint)entries * sizeof(ushort), "flow cache tags");
        for (var i = 0; i < Areas; i++) _areas[i] = NativePages.Reserve((nuint)entries * (nuint)((i + 1) * Line), "flow cache");
    }

    /// <summary>Lookups that found a valid entry.</summary>
    internal ulong Hits { get; private set; }

    /// <summary>Lookups that found none.</summary>
    internal ulong Misses { get; private set; }

    /// <summary>Of the misses, those that found an entry made before the tables changed.</summary>
    internal ulong Stale { get; private set; }

    /// <summary>Starts a burst: what follows is checked against this view.</summary>
    internal void Begin(PipelineView* view)
    {
        _view = view;
        _stamp = (view->Version << 24) | ((ulong)(_paths.Flushes & 0xffff) << 8);
        var area = view->Union.Count <= 4 ? 0 : view->Union.Count <= 12 ? 1 : 2;
        _entries = _areas[area];
        _stride = (nuint)((area + 1) * Line);
    }

    /// <summary>Looks keys up.</summary>
    /// <param name="keys">Pointers to <paramref name="count"/> keys.</param>
    /// <param name="results">Filled for hits.</param>
    /// <param name="count">At most <see cref="TupleProbe.Width"/>.</param>
    /// <returns>Packets that were not found: one bit each.</returns>
    internal uint Lookup(FlowKey** keys, ClassifyResult* results, int count)
    {
        var scratch = _scratch;
        for (var i = 0; i < count; i++)
        {
            var hash = MaskWords.HashMasked(&_view->Union, (ulong*)keys[i], scratch->Masked + i * FlowKeyLayout.Words);
            var set = hash & (_sets - 1);
            CacheLine.Prefetch(_tags + set * Ways);
            scratch->Set[i] = set;
            scratch->Tag[i] = (ushort)Math.Max(1, hash >> 48);
        }

        for (var i = 0; i < count; i++)
        {
            var set = scratch->Set[i];
            var tags = Vector128.Load(_tags + set * Ways);
            var candidates = Vector128.Equals(tags, Vector128.Create(scratch->Tag[i])).ExtractMostSignificantBits();
            scratch->Candidates[i] = candidates;
            if (candidates == 0) continue;
            var entry = EntryAt(set, BitOperations.TrailingZeroCount(candidates));
            CacheLine.Prefetch(entry);
            if (_stride > Line) CacheLine.Prefetch((byte*)entry + Line);
        }

        uint missing = 0;
        for (var i = 0; i < count; i++)
            if (!TryHit(i, results + i)) missing |= 1u << i;
        var missed = (uint)BitOperations.PopCount(missing);
        Hits += (uint)count - missed;
        Misses += missed;
        return missing;
    }

    /// <summary>Reads the epoch cell of a packet that is about to walk; before the walk, so that a change during it is
    /// noticed.</summary>
    internal void BeginFill(int packet, FlowKey* key)
    {
        var scratch = _scratch;
        if (_view->Partition.Count == 0)
        {
            scratch->Epoch[packet] = scratch->Cell[packet] = 0;
            scratch->Epoch[packet] = Volatile.Read(ref _root->Epochs[0]);
            return;
        }

        var masked = stackalloc ulong[FlowKeyLayout.Words];
        var cell = (ushort)(MaskWords.HashMasked(&_view->Partition, (ulong*)key, masked) % PipelineRoot.EpochCells);
        scratch->Cell[packet] = cell;
        scratch->Epoch[packet] = Volatile.Read(ref _root->Epochs[cell]);
    }

    /// <summary>Keeps the result of a walk.</summary>
    internal void Fill(int packet, in ClassifyResult result)
    {
        var scratch = _scratch;
        var entry = (Entry*)scratch->Stale[packet];
        if (entry == null)
        {
            var set = scratch->Set[packet];
            var tags = _tags + set * Ways;
            var way = ChooseWay(tags);
            tags[way] = scratch->Tag[packet];
            entry = EntryAt(set, way);
        }

        entry->Epoch = scratch->Epoch[packet];
        entry->Cell = scratch->Cell[packet];
        entry->Flow0 = result.Path != 0 ? result.Path : result.Flow0;
        entry->Flow1 = result.Flow1;
        var key = Entry.Key(entry);
        var masked = scratch->Masked + packet * FlowKeyLayout.Words;
        for (var w = 0; w < _view->Union.Count; w++) key[w] = masked[w];
        entry->Stamp = _stamp | ((ulong)result.Count << 1) | (result.Missed ? 1u : 0);
    }

    public void Dispose()
    {
        NativePages.Unmap(_tags, (nuint)_sets * Ways * sizeof(ushort));
        for (var i = 0; i < Areas; i++) NativePages.Unmap(_areas[i], (nuint)_sets * Ways * (nuint)((i + 1) * Line));
        NativePages.Unmap(_scratch, (nuint)sizeof(Scratch));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Entry* EntryAt(ulong set, int way) => (Entry*)(_entries + ((nuint)set * Ways + (nuint)way) * _stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryHit(int i, ClassifyResult* result)
    {
        var scratch = _scratch;
        scratch->Stale[i] = 0;
        for (var candidates = scratch->Candidates[i]; candidates != 0; candidates &= candidates - 1)
        {
            var entry = EntryAt(scratch->Set[i], BitOperations.TrailingZeroCount(candidates));
            if (!SameKey(entry, scratch->Masked + i * FlowKeyLayout.Words)) continue;
            if (((entry->Stamp ^ _stamp) & ~0xfful) != 0 || entry->Epoch != Volatile.Read(ref _root->Epochs[entry->Cell]))
            {
                // A stale entry of another layout may look the same; writing it anew is right all the same.
                scratch->Stale[i] = (long)entry;
                Stale++;
                return false;
            }

            result->Count = (int)(entry->Stamp & 0xff) >> 1;
            result->Missed = (entry->Stamp & 1) != 0;
            result->Path = result->Count > 2 ? entry->Flow0 : 0;
            result->Flow0 = result->Count > 2 ? 0 : entry->Flow0;
            result->Flow1 = entry->Flow1;
            return true;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool SameKey(Entry* entry, ulong* masked)
    {
        ulong difference = 0;
        var key = Entry.Key(entry);
        for (var w = 0; w < _view->Union.Count; w++) difference |= key[w] ^ masked[w];
        return difference == 0;
    }

    private int ChooseWay(ushort* tags)
    {
        var free = Vector128.Equals(Vector128.Load(tags), Vector128<ushort>.Zero).ExtractMostSignificantBits();
        return free != 0 ? BitOperations.TrailingZeroCount(free) : (int)(_victim++ % Ways);
    }
}

/// <summary>What classifying one packet has found.</summary>
internal struct ClassifyResult
{
    /// <summary>Flows met.</summary>
    internal int Count;

    /// <summary>The way ended at a table without a flow for the packet.</summary>
    internal bool Missed;
    internal nint Flow0;
    internal nint Flow1;

    /// <summary>When there are more than two: all of them.</summary>
    internal nint Path;
}
