using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Stages.Classify;
using KernelBypass.Pipeline.Stages.Parse;
using KernelBypass.Pipeline.Tables;
using KernelBypass.Wire;

namespace KernelBypass.Bench.Packet;

/// <summary>The switch's parse, classify and actions stages with output normal between 10,000 stations behind each of two ports.</summary>
internal static unsafe class NormalBench
{
    private const int Stations = 10_000;
    private const int Buffers = 256;
    private const int Burst32 = 32;
    private const int Bursts = 300;

    internal static void Run(int rounds)
    {
        using var macs = new MacTable(65_536, 1, new NativeCounterSpace());
        var set = new PacketSet([.. Enumerable.Range(0, Buffers).Select(_ => Frame())]);
        var tables = new FlowTables(new FlowTablesOptions
        {
            MaxFlows = 1000, MaxFlowsPerTable = 1000, Statistics = FlowStatistics.InProcess(FlowTablesOptions.SlotsFor(1000), 0),
            GracePeriod = new ChainBench.NoReaders(),
        });
        tables.Add(new FlowSpec { ApplyActions = [FlowAction.Output(ReservedPort.Normal)] }.Encode(), 0, out _, out _);
        tables.Publish();
        var context = new BenchContext();
        var parse = new ParseStage(context, new KeyWordDemand { Words = tables.NeededWords });
        using var classify = new ClassifyStage(new BenchContext(cacheEntries: 262_144), tables);
        var ports = new PortDirectory();
        ports.Publish([new(1, 0, true, true, false), new(2, 1, true, true, false)]);
        using var actions = new ActionsStage(context, ports, macs);
        Teach(macs, set, context);

        var random = new Random(1);
        var sequence = new (uint Destination, uint Source)[Bursts * Burst32];
        for (var i = 0; i < sequence.Length; i++) sequence[i] = ((uint)random.Next(Stations), (uint)random.Next(Stations));
        var packets = (void**)NativeMemory.Alloc(Burst.Capacity, (nuint)sizeof(void*));
        double Time(bool all)
        {
            var start = Stopwatch.GetTimestamp();
            for (var burst = 0; burst < Bursts; burst++)
            {
                for (var i = 0; i < Burst32; i++)
                {
                    var (destination, source) = sequence[burst * Burst32 + i];
                    var place = (burst * Burst32 + i) % Buffers;
                    SetStations(set.Data(place), destination, source);
                    packets[i] = set.Packets[place];
                }

                if (!all) continue;
                var work = new Burst { Packets = packets, Count = Burst32 };
                parse.Process(ref work);
                classify.Process(ref work);
                actions.Process(ref work);
                if (work.Count != Burst32) throw new InvalidOperationException("a packet was flooded or dropped");
            }

            return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Bursts / Burst32;
        }

        for (var warm = 0; warm < 60; warm++, Thread.Sleep(10)) _ = Time(false) + Time(true);
        double[] loop = new double[rounds], chain = new double[rounds];
        for (var round = 0; round < rounds; round++) (loop[round], chain[round]) = (Time(false), Time(true));
        Array.Sort(loop);
        Array.Sort(chain);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{"switch: normal, 10,000 stations a port",-44} {chain[0] - loop[0],7:f2} best "
            + $"{chain[rounds / 2] - loop[rounds / 2],7:f2} median ns/packet"));
    }

    private static byte[] Frame() => FrameBuilder.Ethernet("02:00:02:00:00:00", "02:00:01:00:00:00")
        .Ipv4(new Ipv4Header { Source = 0x0a000001, Destination = 0x0a000002, Ttl = 64 }).Udp(1000, 80, checksum: false).PadTo(60).Build();

    private static void SetStations(byte* data, uint destination, uint source)
    {
        *(uint*)(data + 2) = BinaryPrimitives.ReverseEndianness(0x0200_0000 | destination);
        *(uint*)(data + 8) = BinaryPrimitives.ReverseEndianness(0x0100_0000 | source);
    }

    /// <summary>Stations are learnt as the sources of packets; those of port 2 are the destinations.</summary>
    private static void Teach(MacTable macs, PacketSet set, BenchContext context)
    {
        var learner = new MacLearner(macs, 0, context.Counter("deferred"));
        var meta = new PacketMeta();
        for (uint i = 0; i < Stations; i++)
        {
            var data = set.Data(0);
            SetStations(data, 0, i);
            meta.InPort = 1;
            learner.Learn(data, &meta);
            *(uint*)(data + 8) = BinaryPrimitives.ReverseEndianness(0x0200_0000 | i);
            meta.InPort = 2;
            learner.Learn(data, &meta);
            if (i % 1000 == 999) macs.Maintain(1);
        }

        if (macs.Count != 2 * Stations) throw new InvalidOperationException($"{macs.Count} stations were learnt");
    }
}
