using System.Buffers.Binary;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Tests;

/// <summary>A raw AF_PACKET socket on an interface (packet(7)): the kernel's end of a device under test.</summary>
internal sealed unsafe class PacketSocket : IDisposable
{
    private const int AfPacket = 17;
    private const int SockRaw = 3;
    private const int NonBlocking = 0x800;
    private const int EthPAll = 3;

    private readonly int _socket;

    internal PacketSocket(string interfaceName)
    {
        ushort protocol = BinaryPrimitives.ReverseEndianness((ushort)EthPAll);
        _socket = socket(AfPacket, SockRaw | NonBlocking, protocol);
        if (_socket < 0)
            throw new InvalidOperationException($"AF_PACKET socket: errno {Marshal.GetLastSystemError()}; root is needed");
        byte* address = stackalloc byte[20];
        new Span<byte>(address, 20).Clear();
        *(ushort*)address = AfPacket;
        *(ushort*)(address + 2) = protocol;
        *(int*)(address + 4) = IndexOf(interfaceName);
        if (bind(_socket, address, 20) != 0)
            throw new InvalidOperationException($"bind to {interfaceName}: errno {Marshal.GetLastSystemError()}");
    }

    public void Dispose() => _ = close(_socket);

    internal static int IndexOf(string interfaceName) => int.Parse(
        File.ReadAllText($"/sys/class/net/{interfaceName}/ifindex"), System.Globalization.CultureInfo.InvariantCulture);

    internal void Send(ReadOnlySpan<byte> frame)
    {
        fixed (byte* data = frame)
        {
            if (send(_socket, data, (nuint)frame.Length, 0) != frame.Length)
                throw new InvalidOperationException($"send: errno {Marshal.GetLastSystemError()}");
        }
    }

    /// <summary>The next frame there is that equals <paramref name="frame"/>; others are passed over.</summary>
    internal bool Received(ReadOnlySpan<byte> frame)
    {
        byte* buffer = stackalloc byte[16384];
        while (true)
        {
            nint length = recv(_socket, buffer, 16384, 0);
            if (length < 0)
                return false;
            if (new ReadOnlySpan<byte>(buffer, (int)length).SequenceEqual(frame))
                return true;
        }
    }

    [DllImport("libc")]
    private static extern int socket(int domain, int type, int protocol);

    [DllImport("libc")]
    private static extern int bind(int socket, byte* address, uint length);

    [DllImport("libc")]
    private static extern nint send(int socket, byte* data, nuint length, int flags);

    [DllImport("libc")]
    private static extern nint recv(int socket, byte* data, nuint length, int flags);

    [DllImport("libc")]
    private static extern int close(int socket);
}
