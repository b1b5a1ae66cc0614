using KernelBypass.Pipeline.Engine;

namespace KernelBypass.Pipeline.Tables;

/// <summary>What a retired item is.</summary>
internal enum RetiredKind : byte
{
    /// <summary>A block of the hot arena, with its size.</summary>
    Block = 1,

    /// <summary>A flow slot: its counters are zeroed, then it may serve another flow.</summary>
    Slot = 2,

    /// <summary>A tuple's bucket array with its overflow buckets.</summary>
    Hash = 3,
}

/// <summary>
/// Memory that was unpublished and waits until no lcore can hold a pointer to it. Items are added in order; <see cref="Seal"/>
/// starts one
/// grace period for all that were added since the last; <see cref="TryTake"/> gives them back once it is over.
/// </summary>
internal sealed unsafe class RetireQueue : IDisposable
{
    private const int MaxBatches = 1024;

    /// <summary>Room kept for what one publication retires beside flows: masks, tuples, lists.</summary>
    private const ulong Margin = 1 << 18;

    private struct Item
    {
        internal ulong PointerAndKind;
        internal ulong Size;
    }

    private readonly IGracePeriod _grace;
    private readonly Item* _items;
    private readonly ulong _capacity;
    private readonly ulong[] _batchEnd = new ulong[MaxBatches];
    private readonly ulong[] _batchToken = new ulong[MaxBatches];
    private ulong _head;
    private ulong _tail;
    private ulong _sealed;
    private ulong _free;
    private uint _firstBatch;
    private uint _batches;

    internal RetireQueue(IGracePeriod grace, ulong capacity)
    {
        _grace = grace;
        _capacity = capacity;
        _items = (Item*)NativePages.Reserve((nuint)(capacity * (ulong)sizeof(Item)), "retired flows");
    }

    /// <summary>Items waiting.</summary>
    internal long Count => (long)(_tail - _head);

    /// <summary>Whether the items of one operation and of the publication behind it fit.</summary>
    internal bool HasRoom => _tail - _head + Margin <= _capacity;

    /// <summary>Adds an item. The caller has seen <see cref="HasRoom"/>.</summary>
    internal void Add(RetiredKind kind, void* pointer, ulong size)
    {
        ref var item = ref _items[_tail % _capacity];
        item.PointerAndKind = (ulong)pointer | ((ulong)kind << 56);
        item.Size = size;
        _tail++;
    }

    /// <summary>Starts a grace period for what was added since the last call. Everything added is unpublished by now.</summary>
    internal void Seal()
    {
        if (_sealed == _tail || _batches == MaxBatches) return;
        var batch = (_firstBatch + _batches++) % MaxBatches;
        _batchEnd[batch] = _tail;
        _batchToken[batch] = _grace.Start();
        _sealed = _tail;
    }

    /// <summary>Takes one item that no lcore can see any more.</summary>
    internal bool TryTake(out RetiredKind kind, out void* pointer, out ulong size)
    {
        while (_head == _free && _batches > 0)
        {
            if (!_grace.HasPassed(_batchToken[_firstBatch])) break;
            _free = _batchEnd[_firstBatch];
            _firstBatch = (_firstBatch + 1) % MaxBatches;
            _batches--;
        }

        if (_head == _free)
        {
            if (_head == _tail) _head = _tail = _sealed = _free = 0;
            (kind, size) = (default, 0);
            pointer = null;
            return false;
        }

        ref var item = ref _items[_head++ % _capacity];
        kind = (RetiredKind)(item.PointerAndKind >> 56);
        pointer = (void*)(item.PointerAndKind & 0x00ff_ffff_ffff_fffful);
        size = item.Size;
        return true;
    }

    public void Dispose() => NativePages.Unmap(_items, (nuint)(_capacity * (ulong)sizeof(Item)));
}
