using KernelBypass.Channel.Messages;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>
/// Every flow of the switch, as the data plane holds it: encoded, found by identity or by slot. About 40 bytes a flow beside the
/// encoding. Not safe for several threads: <see cref="FlowManager"/> holds its lock.
/// </summary>
internal sealed class FlowStore
{
    /// <summary>No flow.</summary>
    internal const int None = -1;

    private const int PageBits = 12;
    private const int PageSize = 1 << PageBits;

    [StructLayout(LayoutKind.Auto)]
    private struct Entry
    {
        internal uint Piece;
        internal int Length;
        internal uint Hash;
        internal int Next;
        internal uint Slot;
        internal uint Generation;
    }

    private readonly ulong _seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
    private readonly SpecArena _arena = new();
    private readonly List<Entry[]> _pages = [];
    private readonly int[] _tableCounts = new int[256];
    private int[] _buckets = NewBuckets(1024);
    private int[] _bySlot = [];
    private int _free = None;
    private int _end;

    /// <summary>Flows held.</summary>
    internal int Count { get; private set; }

    /// <summary>One more than the greatest index in use: for walking with <see cref="Holds"/>.</summary>
    internal int End => _end;

    /// <summary>Raised with every change; tells a walker that indices may have been reused.</summary>
    internal ulong Version { get; private set; }

    /// <summary>Bytes of memory held.</summary>
    internal long ReservedBytes => _arena.ReservedBytes + (long)_pages.Count * PageSize * 24 + (_buckets.Length + _bySlot.Length) * 4L;

    /// <summary>Flows in a table.</summary>
    internal int CountOf(byte table) => _tableCounts[table];

    /// <summary>Whether an index holds a flow.</summary>
    internal bool Holds(int index) => (uint)index < (uint)_end && At(index).Length > 0;

    /// <summary>The encoded flow.</summary>
    internal ReadOnlySpan<byte> Spec(int index) => _arena.At(At(index).Piece, At(index).Length);

    /// <summary>Where the data plane holds it.</summary>
    internal FlowHandle Handle(int index) => new(At(index).Slot, At(index).Generation);

    /// <summary>The hash under which this store keeps an identity.</summary>
    internal uint HashOf(FlowIdentity identity) => identity.Hash(_seed);

    /// <summary>The index of the flow of this identity, or <see cref="None"/>.</summary>
    internal int Find(FlowIdentity identity)
    {
        var hash = identity.Hash(_seed);
        for (var i = _buckets[hash & (_buckets.Length - 1)]; i != None; i = At(i).Next)
        {
            if (At(i).Hash == hash && FlowIdentity.Of(Spec(i)).SameAs(identity)) return i;
        }

        return None;
    }

    /// <summary>The index of the flow in a slot, or <see cref="None"/> if that use of the slot is over.</summary>
    internal int Find(FlowHandle handle)
    {
        if (handle.Slot >= (uint)_bySlot.Length) return None;
        var index = _bySlot[handle.Slot] - 1;
        return index >= 0 && At(index).Generation == handle.Generation ? index : None;
    }

    /// <summary>Adds a flow, or replaces the one of its identity; answers its index.</summary>
    internal int Put(ReadOnlySpan<byte> spec, FlowHandle handle)
    {
        Version++;
        var identity = FlowIdentity.Of(spec);
        var index = Find(identity);
        if (index == None)
        {
            if (Count >= _buckets.Length) Grow();
            index = TakeIndex();
            ref var added = ref At(index);
            added.Hash = identity.Hash(_seed);
            added.Slot = uint.MaxValue;
            ref var bucket = ref _buckets[added.Hash & (_buckets.Length - 1)];
            added.Next = bucket;
            bucket = index;
            Count++;
            _tableCounts[identity.TableId]++;
        }
        else
        {
            _arena.Remove(At(index).Piece, At(index).Length);
        }

        ref var entry = ref At(index);
        entry.Piece = _arena.Add(spec);
        entry.Length = spec.Length;
        SetHandle(index, handle);
        return index;
    }

    /// <summary>Notes where the data plane holds a flow.</summary>
    internal void SetHandle(int index, FlowHandle handle)
    {
        ref var entry = ref At(index);
        if (entry.Slot < (uint)_bySlot.Length && _bySlot[entry.Slot] == index + 1) _bySlot[entry.Slot] = 0;
        entry.Slot = handle.Slot;
        entry.Generation = handle.Generation;
        if (handle.IsNone()) return;
        if (handle.Slot >= (uint)_bySlot.Length)
            Array.Resize(ref _bySlot, (int)Math.Min(Array.MaxLength, Math.Max(handle.Slot + 1L, Math.Max(1024, _bySlot.Length * 2L))));
        _bySlot[handle.Slot] = index + 1;
    }

    /// <summary>Forgets every handle: the data plane has been started anew.</summary>
    internal void ClearHandles()
    {
        for (var i = 0; i < _end; i++)
        {
            if (Holds(i)) SetHandle(i, NoFlow.Handle);
        }
    }

    /// <summary>Removes a flow.</summary>
    internal void Remove(int index)
    {
        Version++;
        ref var entry = ref At(index);
        ref var link = ref _buckets[entry.Hash & (_buckets.Length - 1)];
        while (link != index) link = ref At(link).Next;
        link = entry.Next;
        SetHandle(index, NoFlow.Handle);
        _tableCounts[FlowIdentity.Of(Spec(index)).TableId]--;
        _arena.Remove(entry.Piece, entry.Length);
        entry.Length = 0;
        entry.Next = _free;
        _free = index;
        Count--;
    }

    private ref Entry At(int index) => ref _pages[index >> PageBits][index & (PageSize - 1)];

    private int TakeIndex()
    {
        if (_free != None)
        {
            var reused = _free;
            _free = At(reused).Next;
            return reused;
        }

        if (_end >> PageBits == _pages.Count) _pages.Add(new Entry[PageSize]);
        return _end++;
    }

    private void Grow()
    {
        _buckets = NewBuckets(_buckets.Length * 2);
        for (var i = 0; i < _end; i++)
        {
            if (!Holds(i)) continue;
            ref var bucket = ref _buckets[At(i).Hash & (_buckets.Length - 1)];
            At(i).Next = bucket;
            bucket = i;
        }
    }

    private static int[] NewBuckets(int count)
    {
        var buckets = new int[count];
        Array.Fill(buckets, None);
        return buckets;
    }
}
