using System.Numerics;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// Native memory in size classes: multiples of the granule up to 128 granules, powers of two above, pages of their own from one
/// megabyte on. Address space is reserved at the start, pages are backed when first used, freed blocks are used again for their
/// class.
/// Single-threaded: the tables' writer. Allocates no managed memory after construction.
/// </summary>
internal sealed unsafe class FlowArena : IDisposable
{
    private const int LinearClasses = 128;
    private const nuint OwnPages = 1 << 20;

    private readonly byte* _base;
    private readonly nuint _reserved;
    private readonly nuint _granule;
    private readonly nint[] _free = new nint[LinearClasses + 1 + 64];
    private nuint _used;
    private nuint _ownPages;

    /// <param name="granule">Least block and alignment: 16 or 64.</param>
    /// <param name="reserve">Address space in bytes.</param>
    /// <param name="purpose">For the error message.</param>
    internal FlowArena(int granule, nuint reserve, string purpose)
    {
        _granule = (nuint)granule;
        _reserved = reserve;
        _base = NativePages.Reserve(reserve, purpose);
    }

    /// <summary>Bytes ever taken from the kernel (blocks in free lists included).</summary>
    internal long TouchedBytes => (long)(_used + _ownPages);

    /// <summary>A block of at least <paramref name="bytes"/>, not cleared; null when the reservation is used up.</summary>
    internal void* Allocate(nuint bytes)
    {
        if (bytes >= OwnPages) return AllocatePages(bytes);
        var size = ClassOf(bytes, out var list);
        var head = _free[list];
        if (head != 0)
        {
            _free[list] = *(nint*)head;
            return (void*)head;
        }

        if (size > _reserved - _used) return null;
        var block = _base + _used;
        _used += size;
        return block;
    }

    /// <summary>A zeroed block; null when there is none.</summary>
    internal void* AllocateZeroed(nuint bytes)
    {
        var block = Allocate(bytes);
        if (block != null && bytes < OwnPages) new Span<byte>(block, (int)bytes).Clear();
        return block;
    }

    /// <summary>Gives a block back; <paramref name="bytes"/> as it was asked for.</summary>
    internal void Free(void* block, nuint bytes)
    {
        if (block == null) return;
        if (bytes >= OwnPages)
        {
            NativePages.Unmap(block, bytes);
            _ownPages -= bytes;
            return;
        }

        ClassOf(bytes, out var list);
        *(nint*)block = _free[list];
        _free[list] = (nint)block;
    }

    public void Dispose() => NativePages.Unmap(_base, _reserved);

    private byte* AllocatePages(nuint bytes)
    {
        var pages = NativePages.Map(bytes);
        if (pages != null) _ownPages += bytes;
        return pages;
    }

    private nuint ClassOf(nuint bytes, out int list)
    {
        var granules = (bytes + _granule - 1) / _granule;
        if (granules <= LinearClasses)
        {
            list = (int)granules;
            return granules * _granule;
        }

        granules = BitOperations.RoundUpToPowerOf2(granules);
        list = LinearClasses + 1 + BitOperations.TrailingZeroCount(granules);
        return granules * _granule;
    }
}
