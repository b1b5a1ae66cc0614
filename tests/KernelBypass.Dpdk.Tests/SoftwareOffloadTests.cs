using System.Buffers.Binary;

namespace KernelBypass.Dpdk.Tests;

/// <summary>What the device lacks is done in software: against RFC 1071's sum, written out here.</summary>
[Collection(EalCollection.Name)]
public sealed unsafe class SoftwareOffloadTests(EalFixture eal)
{
    private const PortOffload Everything = PortOffload.TxIpv4Checksum | PortOffload.TxTcpChecksum | PortOffload.TxUdpChecksum |
        PortOffload.TxVlanInsert | PortOffload.TxQinQInsert | PortOffload.TxMultiSegments;

    [Theory]
    [InlineData(false, 6, 0, 0)]
    [InlineData(false, 6, 1, 0)]
    [InlineData(false, 17, 101, 0)]
    [InlineData(true, 6, 100, 0)]
    [InlineData(true, 17, 33, 0)]
    [InlineData(false, 6, 0, 6)]
    [InlineData(false, 17, 3000, 0)]
    [InlineData(true, 6, 4001, 0)]
    public void Checksums_are_filled(bool v6, int protocol, int payload, int padding)
    {
        byte[] frame = Frame(v6, protocol, payload, padding);
        int l3 = v6 ? 40 : 20;
        Mbuf packet = Traffic.Packet(eal.Pool, frame);
        packet.SetHeaderLengths(14, (uint)l3);
        packet.Flags = (v6 ? MbufFlags.TxIpv6 : MbufFlags.TxIpv4 | MbufFlags.TxIpChecksum) |
            (protocol == 6 ? MbufFlags.TxTcpChecksum : MbufFlags.TxUdpChecksum);

        Assert.Equal(1, Port.TxSoftware(Everything & ~PortOffload.TxMultiSegments, &packet, 1));

        byte[] sent = Traffic.Bytes(packet);
        Assert.Equal(0xffff, PseudoSum(sent, v6, protocol));
        if (!v6)
            Assert.Equal(0xffff, Sum(sent.AsSpan(14, 20)));
        Assert.Equal(MbufFlags.None, packet.Flags & (MbufFlags.TxL4Mask | MbufFlags.TxIpChecksum));
        packet.Free();
    }

    [Fact]
    public void What_the_device_does_is_left_to_it()
    {
        Mbuf packet = Traffic.Packet(eal.Pool, Frame(false, 6, 10, 0));
        byte[] before = Traffic.Bytes(packet);
        packet.SetHeaderLengths(14, 20);
        packet.VlanTci = 5;
        packet.Flags = MbufFlags.TxIpv4 | MbufFlags.TxIpChecksum | MbufFlags.TxTcpChecksum | MbufFlags.TxVlan;
        MbufFlags flags = packet.Flags;
        Assert.Equal(1, Port.TxSoftware(PortOffload.TxUdpChecksum, &packet, 1));
        Assert.Equal(before, Traffic.Bytes(packet));
        Assert.Equal(flags, packet.Flags);
        packet.Free();
    }

    [Fact]
    public void Tags_are_inserted_behind_the_addresses_outer_first()
    {
        byte[] frame = Frame(false, 17, 20, 0);
        Mbuf packet = Traffic.Packet(eal.Pool, frame);
        packet.SetHeaderLengths(14, 20);
        packet.VlanTci = 0x2064;
        packet.OuterVlanTci = 0x00c8;
        packet.Flags = MbufFlags.TxVlan | MbufFlags.TxQinQ | MbufFlags.TxIpv4 | MbufFlags.TxIpChecksum | MbufFlags.TxUdpChecksum;

        Assert.Equal(1, Port.TxSoftware(Everything, &packet, 1));

        byte[] sent = Traffic.Bytes(packet);
        Assert.Equal(new byte[] { 0x88, 0xa8, 0x00, 0xc8, 0x81, 0x00, 0x20, 0x64, 0x08, 0x00 }, sent[12..22]);
        Assert.Equal(frame[..12], sent[..12]);
        byte[] untagged = [.. sent[..12], .. sent[20..]];
        Assert.Equal(0xffff, Sum(untagged.AsSpan(14, 20)));
        Assert.Equal(0xffff, PseudoSum(untagged, false, 17));
        packet.Free();
    }

    [Fact]
    public void What_cannot_be_helped_is_moved_behind_and_the_others_keep_their_order()
    {
        Mbuf* packets = stackalloc Mbuf[5];
        for (int i = 0; i < 5; i++)
        {
            // Two of 3,000 bytes cannot become one segment.
            packets[i] = Traffic.Packet(eal.Pool, Traffic.Frame(i is 1 or 3 ? 3000 : 60 + i, (byte)i));
        }

        Assert.Equal(3, Port.TxSoftware(PortOffload.TxMultiSegments, packets, 5));

        Assert.Equal([60u, 62u, 64u], new[] { packets[0].PacketLength, packets[1].PacketLength, packets[2].PacketLength });
        Assert.Equal(3000u, packets[3].PacketLength);
        Assert.Equal(3000u, packets[4].PacketLength);
        Mbuf.FreeBulk(packets, 5);
    }

    [Theory]
    [InlineData(127, 20)]
    [InlineData(14, 511)]
    [InlineData(14, 0)]
    public void Header_lengths_beyond_the_packet_are_refused(int l2, int l3)
    {
        Mbuf packet = Traffic.Packet(eal.Pool, Frame(false, 6, 0, 0));
        packet.SetHeaderLengths((uint)l2, (uint)l3);
        packet.Flags = MbufFlags.TxIpv4 | MbufFlags.TxIpChecksum | MbufFlags.TxTcpChecksum;
        Assert.Equal(0, Port.TxSoftware(Everything, &packet, 1));
        packet.Free();
    }

    private static byte[] Frame(bool v6, int protocol, int payload, int padding)
    {
        int l4 = protocol == 6 ? 20 : 8;
        int l3 = v6 ? 40 : 20;
        byte[] frame = new byte[14 + l3 + l4 + payload + padding];
        Traffic.Frame(frame.Length, 77).CopyTo(frame, 0);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), v6 ? (ushort)0x86dd : (ushort)0x0800);
        Span<byte> ip = frame.AsSpan(14);
        ip[0] = v6 ? (byte)0x60 : (byte)0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[(v6 ? 4 : 2)..], (ushort)(v6 ? l4 + payload : l3 + l4 + payload));
        ip[v6 ? 6 : 9] = (byte)protocol;
        if (protocol == 17)
            BinaryPrimitives.WriteUInt16BigEndian(ip[(l3 + 4)..], (ushort)(l4 + payload));
        return frame;
    }

    /// <summary>The L4 checksum's sum over pseudo header and segment: all ones when it is right.</summary>
    private static int PseudoSum(byte[] frame, bool v6, int protocol)
    {
        Span<byte> ip = frame.AsSpan(14);
        int length = v6
            ? BinaryPrimitives.ReadUInt16BigEndian(ip[4..])
            : BinaryPrimitives.ReadUInt16BigEndian(ip[2..]) - 20;
        byte[] addresses = v6 ? ip[8..40].ToArray() : ip[12..20].ToArray();
        byte[] all = [.. addresses, 0, (byte)protocol, (byte)(length >> 8), (byte)length, .. ip.Slice(v6 ? 40 : 20, length)];
        return Sum(all);
    }

    private static int Sum(ReadOnlySpan<byte> bytes)
    {
        int sum = 0;
        for (int i = 0; i < bytes.Length; i++)
            sum += i % 2 == 0 ? bytes[i] << 8 : bytes[i];
        while (sum > 0xffff)
            sum = (sum & 0xffff) + (sum >> 16);
        return sum;
    }
}
