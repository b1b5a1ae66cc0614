using System.Globalization;
using System.Text;
using static KernelBypass.Channel.SharedMemory.SharedMemoryNative;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// A process's claim to a place: an open-file-description lock on a file that holds its pid. The kernel frees it however the
/// process ends, kill -9 included; and it can be asked for without being taken (F_OFD_GETLK of fcntl(2)).
/// </summary>
public sealed unsafe class SharedLock : IDisposable
{
    private int _fd;

    private SharedLock(int fd) => _fd = fd;

    /// <summary>Takes the lock and writes this process's id into the file; null when another holds it.</summary>
    /// <exception cref="ChannelException">The file cannot be opened.</exception>
    public static SharedLock? TryTake(string path)
    {
        var fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0x1B0);
        if (fd < 0) throw SharedRegion.Failure($"cannot open '{path}'");
        var request = new FileLock { Type = F_WRLCK };
        if (fcntl(fd, F_OFD_SETLK, &request) != 0)
        {
            _ = close(fd);
            return null;
        }

        var text = Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
        _ = ftruncate(fd, 0);
        fixed (byte* bytes = text) _ = pwrite(fd, bytes, (nuint)text.Length, 0);
        return new SharedLock(fd);
    }

    /// <summary>Opens a probe for a lock that another process may hold.</summary>
    public static SharedLockProbe OpenProbe(string path)
    {
        var fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0x1B0);
        return fd < 0 ? throw SharedRegion.Failure($"cannot open '{path}'") : new SharedLockProbe(fd);
    }

    /// <summary>Frees the lock. The file stays: unlinking it would let two processes lock two files of one name.</summary>
    public void Dispose()
    {
        if (_fd < 0) return;
        _ = close(_fd);
        _fd = -1;
    }
}

/// <summary>Asks whether a <see cref="SharedLock"/> is held, without taking it. Allocates nothing.</summary>
public sealed unsafe class SharedLockProbe : IDisposable
{
    private int _fd;

    internal SharedLockProbe(int fd) => _fd = fd;

    /// <summary>Whether some process holds the lock.</summary>
    public bool IsHeld
    {
        get
        {
            var request = new FileLock { Type = F_WRLCK };
            return fcntl(_fd, F_OFD_GETLK, &request) == 0 && request.Type != F_UNLCK;
        }
    }

    /// <summary>The pid that the last holder wrote; 0 if there is none.</summary>
    public int Pid
    {
        get
        {
            var buffer = stackalloc byte[16];
            var count = pread(_fd, buffer, 16, 0);
            var text = new ReadOnlySpan<byte>(buffer, (int)Math.Max(count, 0));
            return int.TryParse(text.Trim((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_fd < 0) return;
        _ = close(_fd);
        _fd = -1;
    }
}
