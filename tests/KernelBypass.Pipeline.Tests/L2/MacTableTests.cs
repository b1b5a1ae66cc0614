using System.Runtime.InteropServices;
using KernelBypass.Model.Declarations;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Tests.Actions;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Tests.L2;

public sealed unsafe class MacTableTests : IDisposable
{
    private readonly PlainCounters _counters = new();
    private readonly MacTable _table;
    private readonly MacLearner _learner;
    private readonly ulong* _deferred = (ulong*)NativeMemory.AllocZeroed(8);

    public MacTableTests()
    {
        _table = new MacTable(100, 4, _counters);
        _learner = new MacLearner(_table, 0, _deferred);
    }

    public void Dispose()
    {
        _table.Dispose();
        _counters.Dispose();
        NativeMemory.Free(_deferred);
    }

    [Fact]
    public void A_station_is_known_after_the_main_lcores_turn()
    {
        Learn(1, port: 2);
        Assert.Equal(0u, Lookup(1));
        Assert.Equal(1, _table.Maintain(5));
        Assert.Equal(2u, Lookup(1));
        Assert.Equal(0u, Lookup(1, vlan: 7));
        var cursor = 0;
        Assert.True(_table.TryGetNext(ref cursor, out var station));
        Assert.Equal(new MacStation(0x020000000001, 0, 2, 0), station);
        Assert.False(_table.TryGetNext(ref cursor, out _));
    }

    [Fact]
    public void The_same_address_in_two_vlans_is_two_stations()
    {
        Learn(1, 2, vlan: 5);
        Learn(1, 3, vlan: 6);
        _table.Maintain(1);
        Assert.Equal((2u, 3u, 0u), (Lookup(1, 5), Lookup(1, 6), Lookup(1)));
        Assert.Equal(1, _table.Flush(vlan: 5));
        Assert.Equal((0u, 3u), (Lookup(1, 5), Lookup(1, 6)));
    }

    [Fact]
    public void A_station_moves()
    {
        Learn(1, 2);
        _table.Maintain(1);
        Learn(1, 3);
        Assert.Equal(2u, Lookup(1));
        _table.Maintain(1);
        Assert.Equal(3u, Lookup(1));
        Assert.Equal(1ul, _counters["kernelbypass_mac_learned"]);
        Assert.Equal(1ul, _counters["kernelbypass_mac_moved"]);
        Assert.Equal(1ul, _counters["kernelbypass_mac_stations"]);
    }

    [Fact]
    public void Silent_stations_age_and_others_do_not()
    {
        _table.AgeSeconds = 10;
        Learn(1, 2);
        Learn(2, 2);
        _table.Maintain(100);
        _table.Maintain(105);
        Learn(2, 2);
        _table.Maintain(111);
        Assert.Equal((0u, 2u), (Lookup(1), Lookup(2)));
        _table.Maintain(116);
        Assert.Equal(0, _table.Count);
        Assert.Equal(2ul, _counters["kernelbypass_mac_aged"]);
    }

    [Fact]
    public void The_limit_is_exact_and_what_it_refuses_is_counted()
    {
        for (var i = 1; i <= 150; i++) Learn(i, 2);
        _table.Maintain(1);
        Assert.Equal(100, _table.Count);
        Assert.Equal(50ul, _counters["kernelbypass_mac_refused"]);
        _table.Flush();
        Learn(150, 3);
        _table.Maintain(2);
        Assert.Equal(3u, Lookup(150));
    }

    [Fact]
    public void A_burst_from_a_new_station_makes_one_event_and_a_full_queue_is_counted()
    {
        for (var i = 0; i < 50; i++) Learn(1, 2);
        Assert.Equal(1, _table.Maintain(1));
        for (var i = 1; i <= 5000; i++) Learn(100 + i, 2);
        Assert.Equal(5000ul - 4096, *_deferred);
    }

    [Fact]
    public void Group_and_zero_sources_are_never_learnt()
    {
        foreach (var source in new[] { "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00" })
        {
            var (frame, meta) = Packet(FrameBuilder.Ethernet("02:00:00:00:00:02", source).EtherType(0x88b5).PayloadLength(46), 2);
            fixed (byte* data = frame) _learner.Learn(data, &meta);
        }

        Assert.Equal(0, _table.Maintain(1));
    }

    [Fact]
    public void Half_a_million_stations_fit_and_are_found()
    {
        using var table = new MacTable(500_000, 1, _counters);
        var learner = new MacLearner(table, 0, _deferred);
        for (var i = 1; i <= 500_000; i++)
        {
            Learn(i, (uint)(i % 7 + 1), learner: learner);
            if (i % 4096 == 0) table.Maintain(1);
        }

        table.Maintain(1);
        Assert.Equal(500_000, table.Count);
        for (var i = 1; i <= 500_000; i += 997) Assert.Equal((uint)(i % 7 + 1), Lookup(i, learner: learner));
        Assert.Equal(0u, Lookup(500_001, learner: learner));
    }

    [Fact]
    public void Readers_meet_right_ports_or_none_while_the_writer_churns()
    {
        _table.AgeSeconds = 1;
        using var stop = new CancellationTokenSource();
        var wrong = 0;
        var found = 0;
        var reader = new Thread(() =>
        {
            var own = new MacLearner(_table);
            while (!stop.IsCancellationRequested)
            {
                for (var i = 1; i <= 300; i++)
                {
                    var port = Lookup(i, learner: own);
                    if (port != 0) found++;
                    if (port != 0 && port != (uint)(i % 7 + 2)) wrong++;
                }
            }
        });
        reader.Start();
        for (uint second = 1; second < 3000; second++)
        {
            for (var i = 1; i <= 60; i++)
            {
                var station = (int)(second * 60 + i) % 300 + 1;
                Learn(station, (uint)(station % 7 + 2));
            }

            _table.Maintain(second);
        }

        stop.Cancel();
        reader.Join();
        Assert.True(found > 0);
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void Output_normal_floods_what_it_does_not_know_and_learns()
    {
        using var rig = new ActionRig(_learner);
        var normal = (nint)rig.Apply(FlowAction.Output(ReservedPort.Normal));
        Assert.Equal([2u, 3], Ports(rig, "02:00:00:00:00:02", "02:00:00:00:00:01", normal));
        Learn(2, 4);
        _table.Maintain(1);
        Assert.Equal([4u], Ports(rig, "02:00:00:00:00:02", "02:00:00:00:00:01", normal));
        Assert.Equal([2u, 3], Ports(rig, "ff:ff:ff:ff:ff:ff", "02:00:00:00:00:01", normal));
        Assert.Equal([2u, 3], Ports(rig, "33:33:00:00:00:01", "02:00:00:00:00:01", normal));
        Assert.Equal(1u, Lookup(1));
        Assert.Empty(Ports(rig, "02:00:00:00:00:01", "02:00:00:00:00:03", normal));
        Assert.Empty(Ports(rig, "01:80:c2:00:00:0e", "02:00:00:00:00:03", normal));
        Assert.Equal([ActionsDrop.OutputToInPort, ActionsDrop.NormalLinkLocal], rig.Drops);
    }

    [Fact]
    public void A_trace_tells_of_the_flow_and_explain_looks_up_the_address_as_rewritten()
    {
        using var rig = new ActionRig(_learner);
        Learn(2, 4);
        _table.Maintain(1);
        var rewrite = FlowAction.SetField(MatchField.EthDst, [2, 0, 0, 0, 0, 2]);
        var flow = rig.Apply(rewrite, FlowAction.Output(ReservedPort.Normal));
        (flow->Slot, flow->Generation) = (7, 3);
        var frame = FrameBuilder.Ethernet("02:00:00:00:00:09", "02:00:00:00:00:01").EtherType(0x88b5).PayloadLength(46).Build();
        string[] steps =
        [
            "table 0: priority 1 cookie 0x2a matched", "table 0: set_field:eth_dst=02:00:00:00:00:02", "table 0: output:normal",
            "output to port 4",
        ];

        var ports = new Pipeline.Ports.PortDirectory();
        ports.Publish(rig.Ports);
        var explained = new ActionExplainer(ports, _table, puntExpired: false).Explain(frame, ActionRig.InPort, [(nint)flow]);
        Assert.Equal(steps, explained.Steps.Skip(1).Select(step => step.Text));
        Assert.Equal(0, _table.Maintain(1));

        var packet = rig.Packet(frame, (nint)flow);
        DetachedPackets.Meta(packet)->Traced = 1;
        rig.Run(packet);
        var trace = rig.Context.Trace;
        Assert.Equal(steps, Enumerable.Range(0, trace->StepCount).Select(i => TraceStepText.Describe(rig.Context.Trace->Step(i))));
        Assert.Equal((7u, 3u), (trace->Step(0).FlowSlot, trace->Step(0).FlowGeneration));
    }

    private static uint[] Ports(ActionRig rig, string destination, string source, nint flow) =>
        [.. rig.Run(FrameBuilder.Ethernet(destination, source).EtherType(0x88b5).PayloadLength(46).Build(), flow).Select(o => o.Port)];

    private static (byte[] Frame, PacketMeta Meta) Packet(FrameBuilder builder, uint port)
    {
        var frame = builder.Build();
        PacketMeta meta = default;
        meta.InPort = port;
        fixed (byte* data = frame) Assert.Equal(ParserVerdict.Ok, Parser.Parse(data, frame.Length, frame.Length, &meta));
        return (frame, meta);
    }

    private static FrameBuilder Frame(int station, int vlan)
    {
        var mac = new MacAddress(0x020000000000ul + (uint)station);
        var frame = FrameBuilder.Ethernet(mac, mac).EtherType(0x88b5);
        return vlan == 0 ? frame : frame.Vlan(vlan, 5);
    }

    private void Learn(int station, uint port, int vlan = 0, MacLearner? learner = null)
    {
        var (frame, meta) = Packet(Frame(station, vlan), port);
        fixed (byte* data = frame) (learner ?? _learner).Learn(data, &meta);
    }

    private uint Lookup(int station, int vlan = 0, MacLearner? learner = null)
    {
        var (frame, meta) = Packet(Frame(station, vlan), 1);
        fixed (byte* data = frame) return (learner ?? _learner).Lookup(data, &meta);
    }

    /// <summary>Counters in plain memory, by name.</summary>
    private sealed class PlainCounters : ICounterSpace, IDisposable
    {
        private readonly Dictionary<string, nint> _byName = [];
        private readonly List<nint> _all = [];

        internal ulong this[string name] => *(ulong*)_byName[name];

        public ulong* Add(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues)
        {
            var counter = (ulong*)NativeMemory.AllocZeroed(8);
            _byName.TryAdd(metric.Name, (nint)counter);
            _all.Add((nint)counter);
            return counter;
        }

        public void Remove(ulong* counter)
        {
        }

        public void Dispose() => _all.ForEach(c => NativeMemory.Free((void*)c));
    }
}
