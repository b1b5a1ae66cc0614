using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Parse;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.Parse;

public sealed unsafe class ParseStageTests : IDisposable
{
    private static readonly byte[] s_frame =
        FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01").Ipv4("10.0.0.1", "10.0.0.2").Tcp(1000, 80).PayloadLength(30).Build();

    private readonly DetachedPackets _packets = new();

    public void Dispose() => _packets.Dispose();

    [Fact]
    public void Malformed_packets_are_dropped_by_reason_and_the_others_kept_in_order()
    {
        var short_ = s_frame[..10];
        var truncated = s_frame[..40];
        using var context = Run([s_frame, short_, s_frame, truncated], out var kept);
        Assert.Equal([s_frame, s_frame], kept.Select(k => k.Frame));
        Assert.Equal([ParserVerdict.TruncatedEthernet, ParserVerdict.Ipv4BadTotalLength], Verdicts(context));
    }

    [Theory]
    [InlineData(0ul, false)]
    [InlineData((ulong)MbufFlags.RxIpChecksumGood, true)]
    [InlineData((ulong)MbufFlags.RxIpChecksumBad, false)]
    [InlineData((ulong)MbufFlags.RxIpChecksumMask, true)]
    public void A_wrong_ipv4_checksum_counts_when_asked_for_and_the_device_does_not_know_better(ulong flags, bool passes)
    {
        byte[] bad = [.. s_frame];
        bad[24] ^= 0x55;
        using var context = Run([bad], out var kept, "verify_ipv4_checksum", m => m->ol_flags = flags);
        Assert.Equal(passes ? [] : [ParserVerdict.Ipv4BadChecksum], Verdicts(context));
        using var right = Run([s_frame], out kept, "verify_ipv4_checksum");
        Assert.Single(kept);
        using var unasked = Run([bad], out kept);
        Assert.Single(kept);
    }

    [Fact]
    public void An_l4_checksum_that_the_device_found_wrong()
    {
        using var context = Run([s_frame], out _, "verify_l4_checksum", m => m->ol_flags = (ulong)MbufFlags.RxL4ChecksumBad);
        Assert.Equal([ParserVerdict.L4BadChecksum], Verdicts(context));
        using var unknown = Run([s_frame], out var kept, "verify_l4_checksum", m => m->ol_flags = (ulong)MbufFlags.RxL4ChecksumMask);
        Assert.Single(kept);
    }

    [Fact]
    public void The_devices_hash_is_used()
    {
        using var context = Run([s_frame], out var kept, set: m => (m->ol_flags, m->hash_rss) = ((ulong)MbufFlags.RxRssHash, 0xabcd));
        Assert.Equal(0xabcdu, kept[0].Meta.Hash);
    }

    [Fact]
    public void Stripped_tags_are_put_back()
    {
        var tagged = FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01")
            .Vlan(7, 3, tpid: 0x88a8).Vlan(9).Ipv4("10.0.0.1", "10.0.0.2").Tcp(1000, 80).PayloadLength(30).Build();
        using var context = Run([s_frame], out var kept, set: m =>
            (m->ol_flags, m->vlan_tci, m->vlan_tci_outer) = ((ulong)(MbufFlags.RxVlanStripped | MbufFlags.RxQinQStripped), 9, 0x6007));
        Assert.Equal(tagged, kept[0].Frame);
        Assert.Equal(2, kept[0].Meta.VlanTags);
        using var full = Run([s_frame], out _, set: m => m->ol_flags = (ulong)MbufFlags.RxVlanStripped, headroom: 2);
        Assert.Equal([ParserVerdict.VlanNoHeadroom], Verdicts(full));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(20)]
    [InlineData(40)]
    [InlineData(60)]
    public void Headers_over_two_segments_are_gathered(int first)
    {
        using var context = new DetachedContext(_packets);
        var stage = new ParseStage(context, new KeyWordDemand());
        var mbuf = Split(s_frame, first, room: 200, out var second);
        var burst = new Burst { Packets = &mbuf, Count = 1 };
        stage.Process(ref burst);
        Assert.Equal(1, burst.Count);
        Assert.Equal(s_frame, DetachedPackets.Frame(mbuf));
        Assert.Equal(ParseRig.Parse(s_frame).Meta.L4Offset, DetachedPackets.Meta(mbuf)->L4Offset);
        Assert.True(new Mbuf((RteMbuf*)mbuf).DataLength >= 54);
        Assert.Equal(first < 54 ? 1ul : 0, *context.Counter("kernelbypass_parse_pullups"));
        _packets.Free(second);
        _packets.Free(mbuf);
    }

    [Fact]
    public void Headers_that_cannot_be_gathered_are_a_drop_reason()
    {
        using var context = new DetachedContext(_packets);
        var stage = new ParseStage(context, new KeyWordDemand());
        var mbuf = Split(s_frame, 20, room: 0, out var second);
        var burst = new Burst { Packets = &mbuf, Count = 1 };
        stage.Process(ref burst);
        Assert.Equal(0, burst.Count);
        Assert.Equal([ParserVerdict.HeadersSplit], Verdicts(context));
        _packets.Free(second);
    }

    private static ParserVerdict[] Verdicts(DetachedContext context) => [.. context.Drops.Select(d => (ParserVerdict)(d.Reason + 1))];

    private delegate void Setter(RteMbuf* mbuf);

    private DetachedContext Run(
        byte[][] frames, out (byte[] Frame, PacketMeta Meta)[] kept, string? option = null, Setter? set = null, int headroom = 128)
    {
        var context = new DetachedContext(_packets, option is null ? [] : new() { [option] = 1 });
        var stage = new ParseStage(context, new KeyWordDemand());
        var packets = stackalloc void*[Burst.MaxReceive];
        for (var i = 0; i < frames.Length; i++)
        {
            packets[i] = _packets.Create(frames[i], ParseRig.InPort, headroom);
            set?.Invoke((RteMbuf*)packets[i]);
        }

        var burst = new Burst { Packets = packets, Count = frames.Length };
        stage.Process(ref burst);
        kept = new (byte[], PacketMeta)[burst.Count];
        for (var i = 0; i < burst.Count; i++)
        {
            kept[i] = (DetachedPackets.Frame(packets[i]), *DetachedPackets.Meta(packets[i]));
            _packets.Free(packets[i]);
        }

        return context;
    }

    /// <summary>A packet of two segments, the first with so much room behind its data.</summary>
    private void* Split(byte[] frame, int first, int room, out void* second)
    {
        var head = (RteMbuf*)_packets.Create([.. frame.AsSpan(0, first), .. new byte[room]], ParseRig.InPort);
        var tail = (RteMbuf*)_packets.Create(frame.AsSpan(first), ParseRig.InPort);
        head->data_len = (ushort)first;
        head->pkt_len = (uint)frame.Length;
        head->nb_segs = 2;
        head->next = tail;
        second = tail;
        return head;
    }
}
