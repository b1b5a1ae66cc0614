using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Server;

/// <summary>
/// Holds the items of a batch until it is committed, and their results until they are told. Native memory that grows and is kept,
/// so
/// that no batch causes a collection.
/// </summary>
internal sealed unsafe class BatchStaging(int maxItems) : IDisposable
{
    /// <summary>Bytes that a batch's items may take together.</summary>
    internal const long MaxBytes = 256L << 20;

    private const int ItemHeadBytes = 16;

    private byte* _bytes;
    private long _capacity;
    private long _used;
    private FlowResult* _results;
    private int _resultCapacity;

    /// <summary>A batch is being received.</summary>
    internal bool IsOpen { get; private set; }

    /// <summary>Items received, those over the limit included.</summary>
    internal int Count { get; private set; }

    /// <summary>The batch is beyond its limits and will be refused.</summary>
    internal bool TooLarge { get; private set; }

    /// <summary>Correlation of the first item; the others follow it.</summary>
    internal ulong FirstCorrelation { get; private set; }

    internal FlowBatchItems Items => new(new ReadOnlySpan<byte>(_bytes, (int)_used), Count);

    internal Span<FlowResult> Results => new(_results, Count);

    /// <summary>Begins a batch, dropping one that was open.</summary>
    internal void Open()
    {
        Clear();
        IsOpen = true;
    }

    /// <summary>Keeps a copy of an item.</summary>
    internal void Add(MessageType type, ulong correlation, ReadOnlySpan<byte> payload)
    {
        var footprint = (ItemHeadBytes + payload.Length + 7) & ~7;
        if (Count == 0) FirstCorrelation = correlation;
        if (Count >= maxItems || _used + footprint > MaxBytes)
        {
            TooLarge = true;
            return;
        }

        Grow(footprint);
        *(int*)(_bytes + _used) = payload.Length;
        *(MessageType*)(_bytes + _used + 4) = type;
        payload.CopyTo(new Span<byte>(_bytes + _used + ItemHeadBytes, payload.Length));
        _used += footprint;
        Count++;
    }

    /// <summary>Makes room for the results.</summary>
    internal void Close()
    {
        IsOpen = false;
        if (_resultCapacity >= Count) return;
        _resultCapacity = Count;
        _results = (FlowResult*)NativeMemory.Realloc(_results, (nuint)Count * (nuint)sizeof(FlowResult));
    }

    /// <summary>Forgets the batch; keeps the memory.</summary>
    internal void Clear()
    {
        IsOpen = false;
        TooLarge = false;
        Count = 0;
        _used = 0;
    }

    /// <summary>Reads the item at an offset of <see cref="FlowBatchItems"/>' bytes.</summary>
    internal static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> bytes, scoped ref int offset, out MessageType type)
    {
        var length = MemoryMarshal.Read<int>(bytes[offset..]);
        type = (MessageType)MemoryMarshal.Read<ushort>(bytes[(offset + 4)..]);
        var payload = bytes.Slice(offset + ItemHeadBytes, length);
        offset += (ItemHeadBytes + length + 7) & ~7;
        return payload;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        NativeMemory.Free(_bytes);
        NativeMemory.Free(_results);
        _bytes = null;
        _results = null;
        _capacity = 0;
        _resultCapacity = 0;
    }

    private void Grow(int bytes)
    {
        if (_used + bytes <= _capacity) return;
        _capacity = Math.Max(Math.Max(_capacity * 2, 1 << 16), _used + bytes);
        _bytes = (byte*)NativeMemory.Realloc(_bytes, (nuint)_capacity);
    }
}
