using System.Runtime.InteropServices;

namespace KernelBypass.Fuzz.Tests.Harness;

/// <summary>
/// Memory between two pages that must not be touched. An input that ends at the upper one makes a read past its end fault, even
/// in code that reads by pointer; one that begins at the lower one, a read before its start.
/// <code>
///  | PROT_NONE | read, write ..................... input | PROT_NONE |
/// </code>
/// </summary>
internal sealed unsafe class GuardedBuffer : IDisposable
{
    private const int ProtNone = 0;
    private const int ProtReadWrite = 3;
    private const int MapPrivateAnonymous = 0x22;

    private readonly byte* _mapping;
    private readonly nuint _length;
    private readonly int _pageSize = Environment.SystemPageSize;

    internal GuardedBuffer(int capacity)
    {
        Capacity = (capacity + _pageSize - 1) / _pageSize * _pageSize;
        _length = (nuint)(Capacity + (2 * _pageSize));
        _mapping = (byte*)Mmap(0, _length, ProtNone, MapPrivateAnonymous, -1, 0);
        if (_mapping == (byte*)-1 || Mprotect((nint)Start, (nuint)Capacity, ProtReadWrite) != 0)
            throw new InvalidOperationException($"no guarded memory of {_length} bytes: errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Most bytes that fit.</summary>
    internal int Capacity { get; }

    /// <summary>The first byte after the lower guard.</summary>
    internal byte* Start => _mapping + _pageSize;

    /// <summary>The first byte of the upper guard.</summary>
    internal byte* End => Start + Capacity;

    /// <summary>Copies an input so that its last byte is the last one before the upper guard.</summary>
    internal Span<byte> PlaceAtEnd(ReadOnlySpan<byte> input)
    {
        var span = new Span<byte>(End - input.Length, input.Length);
        input.CopyTo(span);
        return span;
    }

    /// <summary>Copies an input so that its first byte is the first one after the lower guard.</summary>
    internal Span<byte> PlaceAtStart(ReadOnlySpan<byte> input)
    {
        var span = new Span<byte>(Start, input.Length);
        input.CopyTo(span);
        return span;
    }

    /// <summary>Whether the kernel may read an address: asked through a system call, which answers instead of faulting.</summary>
    internal static bool IsReadable(byte* address)
    {
        int* ends = stackalloc int[2];
        if (Pipe(ends) != 0)
            throw new InvalidOperationException($"pipe: errno {Marshal.GetLastPInvokeError()}");
        bool readable = Write(ends[1], address, 1) == 1;
        _ = Close(ends[0]);
        _ = Close(ends[1]);
        return readable;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _ = Munmap((nint)_mapping, _length);

    [DllImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static extern nint Mmap(nint address, nuint length, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static extern int Mprotect(nint address, nuint length, int protection);

    [DllImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static extern int Munmap(nint address, nuint length);

    [DllImport("libc", EntryPoint = "pipe", SetLastError = true)]
    private static extern int Pipe(int* ends);

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    private static extern nint Write(int file, byte* bytes, nuint count);

    [DllImport("libc", EntryPoint = "close", SetLastError = true)]
    private static extern int Close(int file);
}
