using FsCheck;
using FsCheck.Fluent;

namespace KernelBypass.Dpdk.Tests;

[Collection(EalCollection.Name)]
public sealed unsafe class MbufTests(EalFixture eal)
{
    [Fact]
    public void A_fresh_packet_is_empty_with_headroom()
    {
        Mbuf packet = eal.Pool.Allocate();
        Assert.Equal(0u, packet.PacketLength);
        Assert.Equal(Mbuf.DefaultHeadroom, packet.Headroom);
        Assert.Equal(2048, packet.Tailroom);
        Assert.Equal(1, packet.SegmentCount);
        Assert.Equal(1, packet.ReferenceCount);
        Assert.False(packet.IsShared);
        Assert.True(packet.Next.IsNull);
        packet.Free();
    }

    [Fact]
    public void Growing_and_shrinking_at_both_ends_is_as_on_a_list()
    {
        // Each command: which end and way (0 to 3), and how many bytes.
        Gen<(int Kind, int Length)> command = Gen.Choose(0, 3).SelectMany(kind => Gen.Choose(0, 300).Select(n => (kind, n)));
        Prop.ForAll(command.ArrayOf().ToArbitrary(), SameAsList).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Bytes_are_read_across_segments_and_not_beyond()
    {
        byte[] frame = Traffic.Frame(5000, 5);
        Mbuf packet = Traffic.Packet(eal.Pool, frame);
        byte* scratch = stackalloc byte[64];

        foreach (uint offset in new uint[] { 0, 2047, 2048, 2020, 4095, 4936 })
            Assert.Equal(frame[(int)offset..((int)offset + 64)], new Span<byte>(packet.Read(offset, 64, scratch), 64).ToArray());
        Assert.True(packet.Read(0, 64, scratch) == packet.Data);
        Assert.True(packet.Read(2020, 64, scratch) == scratch);
        Assert.True(packet.Read(4937, 64, scratch) is null);
        Assert.True(packet.Read(uint.MaxValue, 64, scratch) is null);
        Assert.False(packet.Linearize());
        packet.Free();
    }

    [Fact]
    public void Segments_are_walked_and_made_one()
    {
        Mbuf head = Traffic.Packet(eal.Pool, Traffic.Frame(100, 1));
        Assert.True(head.Chain(Traffic.Packet(eal.Pool, Traffic.Frame(200, 2))));
        Assert.Equal(2, head.SegmentCount);
        Assert.Equal(300u, head.PacketLength);
        Assert.Equal(200, head.LastSegment.DataLength);
        Assert.Null(head.Check());
        byte[] all = [.. Traffic.Frame(100, 1), .. Traffic.Frame(200, 2)];
        Assert.Equal(all, Traffic.Bytes(head));

        Assert.True(head.Linearize());
        Assert.Equal(1, head.SegmentCount);
        Assert.Equal(all, head.Span.ToArray());
        head.Free();
    }

    [Fact]
    public void Copies_are_their_own_and_clones_are_shared()
    {
        uint inUse = eal.Pool.InUseCount;
        Mbuf packet = Traffic.Packet(eal.Pool, Traffic.Frame(3000, 1));
        Mbuf copy = eal.Pool.Copy(packet, 10, 2500);
        Mbuf clone = eal.Pool.Clone(packet);

        Assert.Equal(Traffic.Frame(3000, 1)[10..2510], Traffic.Bytes(copy));
        Assert.False(copy.IsShared);
        Assert.Equal(Traffic.Frame(3000, 1), Traffic.Bytes(clone));
        Assert.True(clone.IsShared);
        Assert.True(packet.IsShared);

        packet.AddReferences(1);
        foreach (Mbuf each in new[] { packet, copy, clone, packet })
            each.Free();
        Assert.Equal(inUse, eal.Pool.InUseCount);
    }

    [Fact]
    public void Fields_are_where_dpdk_has_them()
    {
        Mbuf packet = Traffic.Packet(eal.Pool, Traffic.Frame(60, 1));
        packet.Flags = MbufFlags.TxVlan | MbufFlags.TxIpv4;
        packet.VlanTci = 0x2123;
        packet.OuterVlanTci = 0x4567;
        packet.RssHash = 0xdeadbeef;
        packet.PortId = 9;
        packet.SetHeaderLengths(18, 40, 20);
        Mbuf copy = eal.Pool.Copy(packet);

        // rte_pktmbuf_copy carries them over by its own idea of the layout.
        Assert.Equal(packet.Flags, copy.Flags);
        Assert.Equal(0x2123, copy.VlanTci);
        Assert.Equal(0x4567, copy.OuterVlanTci);
        Assert.Equal(0xdeadbeefu, copy.RssHash);
        Assert.Equal(9, copy.PortId);
        Assert.Equal(18ul | (40ul << 7) | (20ul << 16), copy.Pointer->tx_offload);
        packet.Free();
        copy.Free();
    }

    private bool SameAsList((int Kind, int Length)[] commands)
    {
        var model = new List<byte>(Traffic.Frame(64, 1));
        Mbuf packet = Traffic.Packet(eal.Pool, [.. model]);
        byte next = 1;
        foreach ((int kind, int length) in commands)
        {
            byte[] fill = [.. Enumerable.Repeat(next++, length)];
            bool done = kind switch
            {
                0 => Filled(packet.Prepend((ushort)length), fill),
                1 => Filled(packet.Append((ushort)length), fill),
                2 => packet.Adj((ushort)length) is not null,
                _ => packet.Trim((ushort)length),
            };
            Assert.True(done || kind < 2 || length > model.Count);
            if (!done)
                continue;
            if (kind == 0)
                model.InsertRange(0, fill);
            else if (kind == 1)
                model.AddRange(fill);
            else
                model.RemoveRange(kind == 2 ? 0 : model.Count - length, length);
        }

        bool same = packet.Check() is null && Traffic.Bytes(packet).AsSpan().SequenceEqual(model.ToArray());
        packet.Free();
        return same;
    }

    private static bool Filled(byte* at, byte[] bytes)
    {
        if (at is null)
            return false;
        bytes.CopyTo(new Span<byte>(at, bytes.Length));
        return true;
    }
}
