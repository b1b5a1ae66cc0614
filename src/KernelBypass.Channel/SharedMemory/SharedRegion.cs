using System.Runtime.InteropServices;
using static KernelBypass.Channel.SharedMemory.SharedMemoryNative;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>One mapped file. The mapping goes with <see cref="Dispose"/>; whoever made the file unlinks it.</summary>
public sealed unsafe class SharedRegion : IDisposable
{
    private readonly string? _unlink;
    private byte* _start;
    private int _fd;

    private SharedRegion(byte* start, long bytes, int fd, string? unlink)
    {
        _start = start;
        Bytes = bytes;
        _fd = fd;
        _unlink = unlink;
    }

    /// <summary>First byte; page aligned. Not valid after <see cref="Dispose"/>.</summary>
    public byte* Start => _start;

    /// <summary>Bytes mapped.</summary>
    public long Bytes { get; }

    /// <summary>
    /// Makes a file of zeros at <paramref name="path"/> + ".new", maps it, lets <paramref name="initialise"/> fill it, and only
    /// then
    /// renames it into place: a reader never sees half a head, and a file left by a crash is replaced.
    /// </summary>
    /// <param name="path">Where it is to stand.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="reserve">Whether the pages are reserved now, so that a full file system is an error here and no SIGBUS
    /// later.</param>
    /// <param name="mode">Permission bits.</param>
    /// <param name="initialise">Writes the head.</param>
    /// <exception cref="ChannelException">The file cannot be made; the message has the reason.</exception>
    public static SharedRegion Create(string path, long bytes, bool reserve, int mode, Action<SharedRegion> initialise)
    {
        var temporary = path + ".new";
        File.Delete(temporary);
        var fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0) throw Failure($"cannot create '{temporary}'");
        try
        {
            if (ftruncate(fd, bytes) != 0) throw Failure($"cannot size '{temporary}' to {bytes} bytes");
            if (reserve && posix_fallocate(fd, 0, bytes) is var error and not 0)
                throw new ChannelException($"cannot reserve {bytes} bytes for '{path}': {Marshal.GetPInvokeErrorMessage(error)}");
            var region = new SharedRegion(Map(fd, bytes, PROT_READ | PROT_WRITE, temporary), bytes, fd, path);
            initialise(region);
            File.Move(temporary, path, overwrite: true);
            return region;
        }
        catch
        {
            _ = close(fd);
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Maps a file that the other process made.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="minimum">Fewest bytes it must have.</param>
    /// <param name="writable">Whether this process writes to it.</param>
    /// <exception cref="ChannelException">There is no such file, it is too short or may not be opened.</exception>
    public static SharedRegion Open(string path, long minimum, bool writable)
    {
        var fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC, 0);
        if (fd < 0) throw Failure($"cannot open '{path}'");
        var bytes = lseek(fd, 0, 2);
        if (bytes < minimum)
        {
            _ = close(fd);
            throw new ChannelException(
                $"'{path}' has {bytes} bytes, {minimum} are needed: it is not from this release of kernelbypass-dataplane");
        }

        try
        {
            return new SharedRegion(Map(fd, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, path), bytes, fd, unlink: null);
        }
        catch
        {
            _ = close(fd);
            throw;
        }
    }

    /// <summary>Reserves pages of a sparse file; false when the file system is full.</summary>
    public bool TryReserve(long offset, long bytes) => posix_fallocate(_fd, offset, bytes) == 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_start is null) return;
        _ = munmap((nint)_start, (nuint)Bytes);
        _ = close(_fd);
        _start = null;
        _fd = -1;
        if (_unlink is not null) File.Delete(_unlink);
    }

    private static byte* Map(int fd, long bytes, int protection, string path)
    {
        var address = mmap(0, (nuint)bytes, protection, MAP_SHARED, fd, 0);
        return address == s_mapFailed ? throw Failure($"cannot map '{path}'") : (byte*)address;
    }

    internal static ChannelException Failure(string what)
    {
        var error = Marshal.GetLastPInvokeError();
        var remedy = error == EACCES ? " (run both processes as one user, or give run_dir to their group)" : "";
        return new ChannelException($"{what}: {Marshal.GetPInvokeErrorMessage(error)}{remedy}");
    }
}
