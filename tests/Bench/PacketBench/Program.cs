using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KernelBypass.Bench.Packet;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Tables;
using KernelBypass.Wire;

// PacketBench: nanoseconds a packet for parse and actions, frames in L1. usage: PacketBench [rounds [normal]]
var rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 301;
if (args is not [_, "normal"])
{
    Benches.Run(rounds);
    ChainBench.Run(rounds);
}

NormalBench.Run(rounds);

internal static unsafe class Benches
{
    private const int Packets = 16;
    private const int Repeats = 500;
    private static int s_bursts;

    internal static void Run(int rounds)
    {
        FrameBuilder Eth() => FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01");
        Parse("parse ipv4/tcp 64", rounds, i => Eth().Ipv4("10.0.0.1", $"10.0.0.{i + 2}").Tcp(1000, 80).PadTo(60).Build());
        Parse("parse ipv4/tcp 64, words 0-6", rounds, i => Eth().Ipv4("10.0.0.1", $"10.0.0.{i + 2}").Tcp(1000, 80).PadTo(60).Build(), 0x7f);
        Parse("parse ipv4/udp 64, words 0-6", rounds, i => Eth().Ipv4("10.0.0.1", $"10.0.0.{i + 2}").Udp(1000, 80).PadTo(60).Build(), 0x7f);
        Parse("parse vlan/ipv4/udp 64, words 0-6", rounds, i => Eth().Vlan(5).Ipv4("10.0.0.1", $"10.0.0.{i + 2}").Udp(1000, 80).PadTo(60).Build(), 0x7f);
        Parse("parse ipv6/tcp", rounds, i => Eth().Ipv6("2001:db8::1", $"2001:db8::{i + 2}").Tcp(1000, 80).PadTo(60).Build());
        Parse("parse arp", rounds, i => Eth().Arp(new ArpMessage(1, default, 1, default, (uint)i)).PadTo(60).Build());
        Act("output", rounds, FlowAction.Output(2));
        Act("set eth_dst, eth_src, dec_ttl, output", rounds,
            FlowAction.SetField(MatchField.EthDst, [2, 0, 0, 0, 0, 9]), FlowAction.SetField(MatchField.EthSrc, [2, 0, 0, 0, 0, 8]),
            FlowAction.DecTtl, FlowAction.Output(2));
        Act("set ipv4_src, tcp_src, output (NAT)", rounds,
            FlowAction.SetField(MatchField.Ipv4Src, [10, 9, 8, 7]), FlowAction.SetField(MatchField.TcpSrc, [4, 4]), FlowAction.Output(2));
        Act("push_vlan, set vid, pop_vlan, output", rounds,
            FlowAction.PushVlan(0x8100), FlowAction.SetField(MatchField.VlanVid, [0x10, 5]), FlowAction.PopVlan, FlowAction.Output(2));
    }

    private static void Parse(string name, int rounds, Func<int, byte[]> frame, uint words = KeyWordDemand.All)
    {
        var set = new PacketSet([.. Enumerable.Range(0, Packets).Select(frame)]);
        Measure(name, rounds, () => ParseAll(set, words));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ParseAll(PacketSet set, uint words)
    {
        var packets = set.Packets;
        for (var i = 0; i < Packets; i++)
        {
            var mbuf = packets[i];
            if (Parser.Parse(mbuf->buf_addr + mbuf->data_off, mbuf->data_len, (int)mbuf->pkt_len, (PacketMeta*)(mbuf + 1), words) != 0)
                throw new InvalidOperationException("a frame of the benchmark is malformed");
        }
    }

    private static void Act(string name, int rounds, params FlowAction[] actions)
    {
        var set = new PacketSet([.. Enumerable.Range(0, Packets).Select(i => FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01")
            .Ipv4("10.0.0.1", $"10.0.0.{i + 2}", 255).Tcp(1000, 80).PadTo(60).Build())]);
        var section = new FlowSpec { ApplyActions = actions }.Encode().AsSpan(FlowSpecHeader.Size);
        var flow = (FlowEntry*)NativeMemory.AllocZeroed((nuint)sizeof(FlowEntry));
        flow->Apply = (ActionOp*)NativeMemory.AlignedAlloc((nuint)(sizeof(ActionOp) * actions.Length), 64);
        flow->ApplyCount = (ushort)ActionCompiler.Compile(section, new Span<ActionOp>(flow->Apply, actions.Length));
        flow->GotoTable = FlowSpecHeader.NoGoto;
        var outputs = (void**)NativeMemory.Alloc(Burst.Capacity, (nuint)sizeof(void*));
        var context = new BenchContext();
        var executor = new ActionExecutor(context, outputs, null, false);
        var ports = new PortDirectory.Snapshot([new(1, 0, true, true, false), new(2, 1, true, true, false)]);
        for (var i = 0; i < Packets; i++)
        {
            if (Parser.Parse(set.Data(i), set.Length(i), set.Length(i), set.Meta(i)) != 0) throw new InvalidOperationException("malformed");
            set.Meta(i)->FlowCount = 1;
            set.Meta(i)->Flow0 = (nint)flow;
        }

        Measure(name, rounds, () => ActAll(set, executor, ports));
        if (context.Drops > 0) throw new InvalidOperationException($"{context.Drops} packets were dropped");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ActAll(PacketSet set, ActionExecutor executor, PortDirectory.Snapshot ports)
    {
        executor.Begin(ports);
        for (var i = 0; i < Packets; i++)
        {
            executor.Execute(set.Packets[i]);
        }

        // The TTLs are put back now and then, so that none expires. That the checksum is wrong then costs nothing.
        if (++s_bursts % 200 != 0) return;
        for (var i = 0; i < Packets; i++) set.Data(i)[22] = 255;
    }

    private static void Measure(string name, int rounds, Action burst)
    {
        for (var warm = 0; warm < 3; warm++)
        {
            for (var i = 0; i < 40 * Repeats; i++) burst();
            Thread.Sleep(120); // the tiers are compiled in the background
        }

        var times = new double[rounds];
        for (var round = 0; round < rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Repeats; i++) burst();
            times[round] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / Repeats / Packets;
        }

        Array.Sort(times);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-44} {times[0],7:f2} best {times[rounds / 2],7:f2} median ns/packet"));
    }
}
