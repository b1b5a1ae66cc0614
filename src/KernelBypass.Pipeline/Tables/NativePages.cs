using System.Runtime.InteropServices;

namespace KernelBypass.Pipeline.Tables;

/// <summary>Address space from the kernel: reserved whole, backed by a page when it is first touched. Zero when fresh.</summary>
internal static unsafe partial class NativePages
{
    private const int ReadWrite = 3;
    private const int PrivateAnonymousNoReserve = 0x2 | 0x20 | 0x4000;
    private const int AdviseHugePage = 14;
    private const nuint HugePage = 2 << 20;

    /// <summary>Reserves <paramref name="bytes"/>, rounded up to pages; null when the kernel refuses.</summary>
    internal static byte* Map(nuint bytes)
    {
        var pages = mmap(null, bytes, ReadWrite, PrivateAnonymousNoReserve, -1, 0);
        if ((nint)pages == -1) return null;

        // Huge pages spare the lcores TLB misses; where there are none the advice does nothing.
        if (bytes >= HugePage) _ = madvise(pages, bytes, AdviseHugePage);
        return (byte*)pages;
    }

    /// <summary>As <see cref="Map"/>, at set-up, where refusal ends the start.</summary>
    /// <exception cref="InsufficientMemoryException">The kernel refused; the message says what was wanted.</exception>
    internal static byte* Reserve(nuint bytes, string purpose)
    {
        var pages = Map(bytes);
        if (pages == null)
            throw new InsufficientMemoryException($"Cannot reserve {bytes} bytes of addresses for {purpose}: check ulimit -v.");
        return pages;
    }

    internal static void Unmap(void* pages, nuint bytes) => _ = munmap(pages, bytes);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void* mmap(void* address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int munmap(void* address, nuint length);

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int madvise(void* address, nuint length, int advice);
}
