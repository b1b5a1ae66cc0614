using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace KernelBypass.Daemon.Journal;

/// <summary>libc calls that .NET does not offer.</summary>
internal static class JournalNative
{
    /// <summary>Reserves disk blocks, so that writing them later cannot fail for want of space; answers an errno.</summary>
    [DllImport("libc", EntryPoint = "posix_fallocate")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    internal static extern int PosixFallocate(SafeFileHandle file, long offset, long length);

    /// <summary>Forces a directory's entries to the disk; answers -1 on error.</summary>
    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Fsync(int descriptor);

    [DllImport("libc", EntryPoint = "open", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);

    /// <summary>Makes renames and new files in a directory durable.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    internal static void SyncDirectory(string path)
    {
        const int ReadOnlyDirectory = 0x10000 | 0x80000;
        var descriptor = Open(path, ReadOnlyDirectory);
        if (descriptor < 0) throw new IOException($"{path}: cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        var result = Fsync(descriptor);
        var message = Marshal.GetLastPInvokeErrorMessage();
        _ = Close(descriptor);
        if (result != 0) throw new IOException($"{path}: cannot be synced: {message}");
    }
}
