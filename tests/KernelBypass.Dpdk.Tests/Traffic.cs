using System.Diagnostics;

namespace KernelBypass.Dpdk.Tests;

/// <summary>Frames with a pattern, sent and looked for.</summary>
internal static unsafe class Traffic
{
    // IEEE 802 local experimental EtherType: no kernel stack answers it.
    private const ushort EtherType = 0x88b5;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>A broadcast frame of <paramref name="length"/> bytes whose payload tells it from others.</summary>
    internal static byte[] Frame(int length, byte seed)
    {
        byte[] frame = new byte[length];
        frame.AsSpan(0, 6).Fill(0xff);
        new byte[] { 0x02, 0, 0, 0, 0, seed }.CopyTo(frame, 6);
        frame[12] = EtherType >> 8;
        frame[13] = EtherType & 0xff;
        for (int i = 14; i < length; i++)
            frame[i] = (byte)((i * 31) + seed);
        return frame;
    }

    /// <summary>A packet of the pool's with these bytes, over as many segments as they need.</summary>
    internal static Mbuf Packet(Mempool pool, ReadOnlySpan<byte> frame)
    {
        Mbuf packet = default;
        do
        {
            Mbuf segment = pool.Allocate();
            Assert.False(segment.IsNull);
            int part = Math.Min(frame.Length, segment.Tailroom);
            frame[..part].CopyTo(new Span<byte>(segment.Append((ushort)part), part));
            frame = frame[part..];
            if (packet.IsNull)
                packet = segment;
            else
                Assert.True(packet.Chain(segment));
        }
        while (frame.Length != 0);
        return packet;
    }

    internal static byte[] Bytes(Mbuf packet)
    {
        byte[] bytes = new byte[packet.PacketLength];
        Assert.Equal(bytes.Length, packet.CopyTo(bytes));
        return bytes;
    }

    internal static void Send(Port port, Mempool pool, ReadOnlySpan<byte> frame) =>
        Assert.True(TrySend(port, pool, frame), $"{port.Driver} took no packet");

    internal static bool TrySend(Port port, Mempool pool, ReadOnlySpan<byte> frame)
    {
        Mbuf packet = Packet(pool, frame);
        ushort sent = Port.TxBurst(port.Id, 0, &packet, 1);
        if (sent == 0)
            packet.Free();
        return sent == 1;
    }

    /// <summary>Polls the port until the frame came (true), or 10 s passed; other frames are dropped.</summary>
    internal static bool Receive(Port port, byte[] frame, Action? again = null)
    {
        Mbuf* packets = stackalloc Mbuf[32];
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < s_limit)
        {
            again?.Invoke();
            ushort count = Port.RxBurst(port.Id, 0, packets, 32);
            bool found = false;
            for (int i = 0; i < count; i++)
                found |= packets[i].PacketLength == frame.Length && Bytes(packets[i]).AsSpan().SequenceEqual(frame);
            Mbuf.FreeBulk(packets, count);
            if (found)
                return true;
            if (count == 0)
                Thread.Sleep(1);
        }

        return false;
    }

    /// <summary>Polls <paramref name="condition"/> until it holds (true), or 10 s passed.</summary>
    internal static bool Until(Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            if (clock.Elapsed > s_limit)
                return false;
            Thread.Sleep(2);
        }

        return true;
    }
}
