using System.Runtime.InteropServices;

namespace KernelBypass.DataPlane.Native;

/// <summary>What the process does to itself: its session and its standard output. Names are libc's own.</summary>
internal static partial class ProcessNative
{
    private const int O_WRONLY = 1;
    private const int O_CREAT = 0x40;
    private const int O_APPEND = 0x400;
    private const int O_CLOEXEC = 0x80000;

    /// <summary>Leaves the parent's session, so that neither its end nor its terminal's ends this process. Fails harmlessly for a
    /// process that leads its group already.</summary>
    internal static void LeaveSession() => _ = setsid();

    /// <summary>Sends standard output and error, those of DPDK and of the runtime included, to a file, appending.</summary>
    /// <returns>What went wrong, or null.</returns>
    internal static string? RedirectOutput(string path)
    {
        var fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0x1A0);
        if (fd < 0) return $"--log-file {path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}";
        _ = dup2(fd, 1);
        _ = dup2(fd, 2);
        _ = close(fd);
        return null;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsid();

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int from, int to);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);
}
