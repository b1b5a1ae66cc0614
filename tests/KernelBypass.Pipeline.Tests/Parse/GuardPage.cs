using System.Runtime.InteropServices;

namespace KernelBypass.Pipeline.Tests.Parse;

/// <summary>Memory with unreadable pages before and behind it: a read outside kills the process, so it cannot be missed.</summary>
internal sealed unsafe partial class GuardPage : IDisposable
{
    private const int Page = 4096;
    private const int Pages = 4;

    private readonly byte* _memory;

    internal GuardPage()
    {
        // PROT_NONE, then read and write (3) in the middle; private (2) and anonymous (0x20).
        _memory = (byte*)Mmap(null, Page * (Pages + 2), 0, 0x22, -1, 0);
        if ((nint)_memory == -1 || Mprotect(_memory + Page, Page * Pages, 3) != 0)
            throw new InvalidOperationException($"no guarded memory: errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Copies bytes so that they end right before the unreadable page.</summary>
    internal byte* PutAtEnd(ReadOnlySpan<byte> bytes)
    {
        var start = _memory + Page * (Pages + 1) - bytes.Length;
        bytes.CopyTo(new Span<byte>(start, bytes.Length));
        return start;
    }

    /// <summary>Copies bytes so that they begin right behind the unreadable page.</summary>
    internal byte* PutAtStart(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(new Span<byte>(_memory + Page, bytes.Length));
        return _memory + Page;
    }

    public void Dispose() => _ = Munmap(_memory, Page * (Pages + 2));

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Mmap(void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Mprotect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Munmap(void* address, nuint length);
}
