using System.Buffers.Binary;
using KernelBypass.Dpdk;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Tests.Engine;

[Collection(EalCollection.Name)]
public sealed unsafe class ObservationTests(EalFixture eal)
{
    private static readonly ChainSpec[] s_wire = [new(["rx", "wire", "tx"], [1])];

    [Fact]
    public void Taps_at_ports_and_stages_copy_up_to_the_snap_length()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, s_wire);
        rig.Engine.AddTap(new CaptureTap(1, CapturePoint.Receive, TestSwitch.In, null, 20, null));
        rig.Engine.AddTap(new CaptureTap(2, CapturePoint.Transmit, TestSwitch.Out, null, 0, null));
        rig.Engine.AddTap(new CaptureTap(3, CapturePoint.Stage, 0, "wire", 0, null));
        rig.Engine.AddTap(new CaptureTap(4, CapturePoint.Receive, 9, null, 0, null));
        rig.Engine.Start();
        rig.Feed(40);
        rig.AwaitSent(40);
        var seen = ReadCaptures(rig, 120);
        Assert.Equal(40, seen.Count(c => c.Header.Tap == 1 && c.Bytes.Length == 20 && c.Header.Outbound == 0));
        Assert.Equal(40, seen.Count(c => c.Header.Tap == 2 && c.Bytes.Length == 64 && c.Header is { Outbound: 1, OutPort: TestSwitch.Out }));
        Assert.Equal(40, seen.Count(c => c.Header.Tap == 3));
        Assert.All(seen, c => Assert.Equal((64u, TestSwitch.In), (c.Header.Info.WireLength, c.Header.Info.InPort)));
        Assert.True(rig.Engine.RemoveTaps(1) && rig.Engine.RemoveTaps(2) && rig.Engine.RemoveTaps(3) && rig.Engine.RemoveTaps(4));
        rig.Engine.WaitForTurns();
        rig.Feed(40);
        rig.AwaitSent(80);
        Assert.Equal(0, rig.Engine.Captures.Waiting);
    }

    [Fact]
    public void A_capture_of_drops_has_the_reason_and_a_slow_reader_misses_are_counted()
    {
        using var rig = new TestSwitch(
            eal, [new("rx"), TestSwitch.WireTo(9), new("tx")], s_wire, options: TestSwitch.SmallOptions with { CaptureRingSize = 64 });
        rig.Engine.AddTap(new CaptureTap(5, CapturePoint.Drops, 0, null, 0, null));
        rig.Engine.Start();
        rig.Feed(100);
        TestSwitch.Await(() => rig.Engine.CaptureMisses[5] == 36, () => $"missed {rig.Engine.CaptureMisses[5]}");
        var seen = ReadCaptures(rig, 64);
        var reason = StageCatalogue.Default.DropReasons[seen[0].Header.DropReason - 1];
        Assert.Equal(("tx", "tx_port_gone"), (reason.StageKind, reason.Declaration.Name));
        Assert.Equal(36ul, rig.Counters.Sum("kernelbypass_punt_missed_packets", "capture"));
    }

    [Fact]
    public void A_filter_picks_packets_once_they_are_parsed()
    {
        StageSpec[] stages = [new("rx"), new("parse"), TestSwitch.WireTo(TestSwitch.Out), new("tx")];
        using var rig = new TestSwitch(
            eal, stages, [new ChainSpec(["rx"], [1]), new ChainSpec(["parse", "wire", "tx"], [2])],
            services: new StageServices().Add(new KeyWordDemand()));
        var filter = FlowFilter(flow: 3);
        rig.Engine.AddTap(new CaptureTap(1, CapturePoint.Receive, 0, null, 0, filter));
        rig.Engine.AddTrace(new TraceFilter(77, filter));
        Assert.Contains(
            "before the packet is parsed",
            Assert.Throws<PipelineException>(() => rig.Engine.AddTap(new CaptureTap(2, CapturePoint.Stage, 0, "parse", 0, filter))).Message,
            StringComparison.Ordinal);
        rig.Engine.Start();
        rig.Feed(160);
        rig.AwaitSent(160);
        Assert.All(ReadCaptures(rig, 10), c => Assert.Equal(3, c.Bytes[5]));
        for (var i = 0; i < 10; i++) CheckTrace(rig.Engine.Traces.TryRead());
        Assert.True(rig.Engine.Traces.TryRead() is null);
    }

    [Fact]
    public void Punted_packets_reach_the_main_lcore_up_to_the_ring()
    {
        using var rig = new TestSwitch(
            eal, [new("rx"), new("punt"), new("tx")], [new ChainSpec(["rx", "punt", "tx"], [1])], TestCatalogue.Kinds,
            TestSwitch.SmallOptions with { PacketInRingSize = 64 });
        rig.Engine.Start();
        rig.Feed(100);
        TestSwitch.Await(
            () => rig.Counters.Sum("kernelbypass_punt_missed_packets", "packet_in") == 36, () => $"{rig.Engine.PacketIns.Waiting} wait");
        var packets = stackalloc Mbuf[64];
        Assert.Equal(64, rig.Engine.PacketIns.Read(packets, 64));
        for (var i = 0; i < 64; i++)
        {
            var header = PuntReader.HeaderOf(packets[i]);
            Assert.Equal((PuntKind.PacketIn, 0x2aul, (byte)7, 64u), (header.Kind, header.Info.Cookie, header.Info.TableId, header.Info.WireLength));
            packets[i].Free();
        }
    }

    [Fact]
    public void The_main_lcore_sends_and_injects_packets()
    {
        using var rig = new TestSwitch(eal, TestSwitch.WireStages, [new ChainSpec(["rx", "wire"], [1]), new ChainSpec(["tx"], [2])]);
        rig.Engine.Start();
        for (var i = 0; i < 10; i++)
        {
            Assert.True(rig.Engine.TryMakePacket(new byte[60], TestSwitch.In, out var packet));
            packet.Private<PacketMeta>().OutPort = TestSwitch.Out;
            Assert.True(rig.Engine.TrySend(packet));
            Assert.True(rig.Engine.TryMakePacket(new byte[60], TestSwitch.In, out packet));
            Assert.True(rig.Engine.TryInject(packet));
        }

        rig.AwaitSent(20);
        Assert.Equal(10ul, rig.Counters.Sum("kernelbypass_stage_packets", "wire"));
        Assert.False(rig.Engine.TryMakePacket(new byte[9000], TestSwitch.In, out _));
    }

    private static KeyFilter FlowFilter(byte flow)
    {
        FlowKey key = default, mask = default;
        key.Bytes[FlowKeyLayout.EthDst + 5] = flow;
        mask.Bytes[FlowKeyLayout.EthDst + 5] = 0xff;
        return new KeyFilter(key, mask);
    }

    private static void CheckTrace(TraceRecord* record)
    {
        Assert.True(record is not null);
        Assert.Equal((77u, TestSwitch.In, 64, 1), (record->TraceId, record->InPort, (int)record->DataLength, record->StepCount));
        Assert.Equal((TraceStepKind.Output, TestSwitch.Out), (record->Step(0).Kind, record->Step(0).Port));
        Assert.Equal(3u, BinaryPrimitives.ReadUInt32LittleEndian(record->Data[16..]));
        TraceTable.Release(record);
    }

    private static List<(PuntHeader Header, byte[] Bytes)> ReadCaptures(TestSwitch rig, int count)
    {
        var all = new List<(PuntHeader, byte[])>();
        var packets = stackalloc Mbuf[32];
        TestSwitch.Await(() => rig.Engine.Captures.Waiting >= count, () => $"{rig.Engine.Captures.Waiting} of {count} captured");
        for (var got = rig.Engine.Captures.Read(packets, 32); got > 0; got = rig.Engine.Captures.Read(packets, 32))
        {
            for (var i = 0; i < got; i++)
            {
                all.Add((PuntReader.HeaderOf(packets[i]), packets[i].Span.ToArray()));
                packets[i].Free();
            }
        }

        Assert.Equal(count, all.Count);
        return all;
    }
}
