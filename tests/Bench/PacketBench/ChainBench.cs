using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Stages.Classify;
using KernelBypass.Pipeline.Stages.Parse;
using KernelBypass.Pipeline.Tables;
using KernelBypass.Wire;

namespace KernelBypass.Bench.Packet;

/// <summary>
/// Full parse, 10,000 exact 5-tuple flows, MAC and TTL rewrite: the switch's own stages, the same algorithm as native/bench in C#, and
/// that in C (libkbbench), in turn on the same packets. What the loop around them costs is measured too and taken off.
/// </summary>
internal sealed unsafe class ChainBench : IDisposable
{
    private const int Flows = 10_000;
    private const int Buffers = 256;
    private const int Burst32 = 32;
    private const int Bursts = 300;

    private readonly PacketSet _set;
    private readonly uint[] _sequence = new uint[Bursts * Burst32];
    private readonly void** _packets = (void**)NativeMemory.Alloc(Burst.Capacity, (nuint)sizeof(void*));
    private readonly byte** _data = (byte**)NativeMemory.Alloc(Burst32, (nuint)sizeof(void*));
    private readonly uint* _lengths = (uint*)NativeMemory.Alloc(Burst32, sizeof(uint));
    private readonly uint* _ports = (uint*)NativeMemory.Alloc(Burst32, sizeof(uint));
    private readonly KeyWordDemand _demand = new();
    private readonly ParseStage _parse;
    private readonly ClassifyStage _classify;
    private readonly ActionsStage _actions;
    private readonly MacTable _macs = new(1000, 1, new NativeCounterSpace());
    private readonly nint _table;
    private readonly FiveTupleTable _fiveTuples = new(Flows);

    internal ChainBench(bool native)
    {
        _set = new PacketSet([.. Enumerable.Range(0, Buffers).Select(_ => Frame(0))]);
        var random = new Random(1);
        for (var i = 0; i < _sequence.Length; i++) _sequence[i] = (uint)random.Next(Flows);
        var tables = new FlowTables(new FlowTablesOptions
        {
            MaxFlows = 20_000, MaxFlowsPerTable = 20_000, Statistics = FlowStatistics.InProcess(FlowTablesOptions.SlotsFor(20_000), 0),
            GracePeriod = new NoReaders(),
        });
        if (native) _table = kb_bench_table(Flows);
        for (var i = 0u; i < Flows; i++) Add(tables, i);
        tables.Publish();
        _demand.Words = tables.NeededWords;
        var context = new BenchContext();
        _parse = new ParseStage(context, _demand);
        _classify = new ClassifyStage(new BenchContext(cacheEntries: 262_144), tables);
        var ports = new PortDirectory();
        ports.Publish([new(1, 0, true, true, false), new(2, 1, true, true, false)]);
        _actions = new ActionsStage(context, ports, _macs);
    }

    private delegate int Work(int burst);

    internal static void Run(int rounds)
    {
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), Resolve);
        var native = Resolve("kbbench", Assembly.GetExecutingAssembly(), null) != 0;
        using var bench = new ChainBench(native);
        (string Name, Work Work)[] rows = [("loop", bench.Prepare), ("switch", bench.Switch), ("c#", bench.Managed)];
        if (native) rows = [.. rows, ("c", bench.Native)];
        else Console.WriteLine("libkbbench.so not found: run native/build.sh and set KB_NATIVE_DIR to artifacts/native for the row in C");
        var times = rows.Select(_ => new double[rounds]).ToArray();
        for (var warm = 0; warm < 60; warm++)
        {
            foreach (var row in rows) Time(row.Work);
            Thread.Sleep(10);
        }

        for (var round = 0; round < rounds; round++)
            for (var row = 0; row < rows.Length; row++) times[row][round] = Time(rows[row].Work);
        foreach (var row in times) Array.Sort(row);
        string[] names = ["", "switch: parse, classify, actions stages", "same algorithm in C#", "same algorithm in C"];
        for (var row = 1; row < rows.Length; row++)
        {
            var (best, median) = (times[row][0] - times[0][0], times[row][rounds / 2] - times[0][rounds / 2]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{names[row],-44} {best,7:f2} best {median,7:f2} median ns/packet"));
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        var folder = Environment.GetEnvironmentVariable("KB_NATIVE_DIR");
        var file = folder is null ? null : Path.GetFullPath(Path.Combine(folder, "libkbbench.so"));
        return name == "kbbench" && file is not null && NativeLibrary.TryLoad(file, out var handle) ? handle : 0;
    }

    private static byte[] Frame(uint flow) => FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01")
        .Ipv4(new Ipv4Header { Source = 0x0a000001, Destination = flow, Ttl = 64 }).Udp(1000, 80, checksum: false).PadTo(60).Build();

    private void Add(FlowTables tables, uint flow)
    {
        byte[] dst = [2, 0, 0, 0, 0, 9], src = [2, 0, 0, 0, 0, 8];
        var frame = Frame(flow);
        var spec = new FlowSpec
        {
            Priority = 1,
            Match =
            [
                new(MatchField.EthType, [8, 0]), new(MatchField.IpProto, [17]), new(MatchField.Ipv4Src, [10, 0, 0, 1]),
                new(MatchField.Ipv4Dst, frame[30..34]), new(MatchField.UdpSrc, frame[34..36]), new(MatchField.UdpDst, frame[36..38]),
            ],
            ApplyActions =
                [FlowAction.SetField(MatchField.EthDst, dst), FlowAction.SetField(MatchField.EthSrc, src), FlowAction.DecTtl, FlowAction.Output(2)],
        };
        var error = tables.Add(spec.Encode(), 0, out _, out _);
        if (!error.IsOk) throw new InvalidOperationException(error.Describe());
        byte[] addresses = [.. dst, .. src];
        fixed (byte* data = frame)
        fixed (byte* macs = addresses)
        {
            _fiveTuples.Add(data, (uint)frame.Length, macs, 2);
            if (_table != 0 && kb_bench_add(_table, data, (uint)frame.Length, macs, 2) != 0) throw new InvalidOperationException("not added");
        }
    }

    /// <summary>Puts 32 packets of random flows in a burst: what a receive would have done.</summary>
    private int Prepare(int burst)
    {
        for (var i = 0; i < Burst32; i++)
        {
            var mbuf = _set.Packets[(burst * Burst32 + i) % Buffers];
            var data = mbuf->buf_addr + mbuf->data_off;
            *(uint*)(data + 30) = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(_sequence[burst * Burst32 + i]);
            *(ushort*)(data + 22) = 0x1140;
            _packets[i] = mbuf;
            _data[i] = data;
            _lengths[i] = mbuf->data_len;
        }

        return Burst32;
    }

    private int Switch(int burst)
    {
        Prepare(burst);
        var work = new Burst { Packets = _packets, Count = Burst32 };
        _parse.Process(ref work);
        _classify.Process(ref work);
        _actions.Process(ref work);
        return work.Count;
    }

    private int Managed(int burst)
    {
        Prepare(burst);
        return _fiveTuples.Burst(_data, _lengths, Burst32, _ports);
    }

    private int Native(int burst)
    {
        Prepare(burst);
        return (int)kb_bench_burst(_table, _data, _lengths, Burst32, _ports);
    }

    private static double Time(Work work)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Bursts; i++)
            if (work(i) != Burst32) throw new InvalidOperationException("a packet was not sent");
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Bursts / Burst32;
    }

    public void Dispose()
    {
        _classify.Dispose();
        _actions.Dispose();
        _macs.Dispose();
    }

    internal sealed class NoReaders : IGracePeriod
    {
        public ulong Start() => 0;

        public bool HasPassed(ulong token) => true;
    }

    [DllImport("kbbench")]
    private static extern nint kb_bench_table(uint flows);

    [DllImport("kbbench")]
    private static extern int kb_bench_add(nint table, byte* data, uint length, byte* addresses, uint port);

    [DllImport("kbbench")]
    private static extern uint kb_bench_burst(nint table, byte** packets, uint* lengths, uint count, uint* ports);
}
