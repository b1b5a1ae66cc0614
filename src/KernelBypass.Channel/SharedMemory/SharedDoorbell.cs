using System.Text;
using static KernelBypass.Channel.SharedMemory.SharedMemoryNative;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// Wakes a process that waits: a unix datagram socket of its own and the path of the peer's. A bell that nobody hears is lost,
/// which is right: whoever listens looks at the rings first. Waiting and ringing allocate nothing.
/// </summary>
public sealed unsafe class SharedDoorbell : IDisposable
{
    private readonly string _path;
    private readonly SockAddrUn _peer;
    private int _fd;

    /// <summary>Binds the bell at <paramref name="path"/>, replacing one left by a crash.</summary>
    /// <param name="path">This process's bell.</param>
    /// <param name="peerPath">The other's; need not exist yet.</param>
    /// <exception cref="ChannelException">The socket cannot be bound.</exception>
    public SharedDoorbell(string path, string peerPath)
    {
        _path = path;
        _peer = Address(peerPath);
        _fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (_fd < 0) throw SharedRegion.Failure("cannot make a unix socket");
        File.Delete(path);
        var address = Address(path);
        if (bind(_fd, &address, (uint)sizeof(SockAddrUn)) == 0) return;
        var failure = SharedRegion.Failure($"cannot bind '{path}'");
        _ = close(_fd);
        throw failure;
    }

    /// <summary>Wakes the peer if it waits; never blocks.</summary>
    public void Ring()
    {
        byte one = 1;
        fixed (SockAddrUn* peer = &_peer)
            _ = sendto(_fd, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL, peer, (uint)sizeof(SockAddrUn));
    }

    /// <summary>Sleeps until rung or until the time is over; swallows every ring that is waiting.</summary>
    /// <param name="microseconds">Longest sleep.</param>
    /// <returns>Whether it was rung.</returns>
    public bool Wait(long microseconds)
    {
        var poll = new PollFd { Fd = _fd, Events = POLLIN };
        var timeout = new TimeSpec { Seconds = microseconds / 1_000_000, Nanoseconds = microseconds % 1_000_000 * 1000 };
        if (ppoll(&poll, 1, &timeout, 0) <= 0) return false;
        var buffer = stackalloc byte[8];
        while (recv(_fd, buffer, 8, MSG_DONTWAIT) > 0)
        {
        }

        return true;
    }

    /// <summary>Closes the bell and takes its socket off the file system.</summary>
    public void Dispose()
    {
        if (_fd < 0) return;
        _ = close(_fd);
        _fd = -1;
        File.Delete(_path);
    }

    private static SockAddrUn Address(string path)
    {
        var address = new SockAddrUn { Family = AF_UNIX };
        Encoding.UTF8.GetBytes(path, new Span<byte>(address.Path, 107));
        return address;
    }
}
