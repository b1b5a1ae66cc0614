using System.Runtime.InteropServices;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.Channel.Tests;

/// <summary>A ring in private memory between two guard areas, for tests that write what they like into it.</summary>
internal sealed unsafe class RingMemory : IDisposable
{
    private const int GuardBytes = 4096;
    private const byte GuardByte = 0xa5;

    private readonly byte* _memory;
    private readonly int _capacity;

    internal RingMemory(int capacity)
    {
        _capacity = capacity;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)(capacity + 3 * GuardBytes), 64);
        new Span<byte>(_memory, capacity + 3 * GuardBytes).Fill(GuardByte);
        new Span<byte>(_memory, sizeof(RingCursors)).Clear();
        Data.Clear();
    }

    internal Span<byte> Data => new(_memory + 2 * GuardBytes, _capacity);

    internal ref ulong WriteCursor => ref ((RingCursors*)_memory)->Write;

    internal ref ulong ReadCursor => ref ((RingCursors*)_memory)->Read;

    /// <summary>Whether nothing was written outside the ring.</summary>
    internal bool GuardsIntact =>
        new ReadOnlySpan<byte>(_memory + sizeof(RingCursors), 2 * GuardBytes - sizeof(RingCursors))
            .IndexOfAnyExcept(GuardByte) < 0
        && new ReadOnlySpan<byte>(_memory + 2 * GuardBytes + _capacity, GuardBytes).IndexOfAnyExcept(GuardByte) < 0;

    internal SharedRingWriter Writer() => new((RingCursors*)_memory, _memory + 2 * GuardBytes, (ulong)_capacity);

    internal SharedRingReader Reader() => new((RingCursors*)_memory, _memory + 2 * GuardBytes, (ulong)_capacity);

    public void Dispose() => NativeMemory.AlignedFree(_memory);
}
