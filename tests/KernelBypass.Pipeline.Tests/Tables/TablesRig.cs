using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Classify;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Flow tables with one classify stage over mbufs without data: only their private area is looked at.</summary>
internal sealed unsafe class TablesRig : IDisposable
{
    internal const int Lcore = 3;
    private const int MbufBytes = RteMbuf.SizeInBytes + PacketMeta.Size;

    private readonly byte* _mbufs = (byte*)NativeMemory.AlignedAlloc(Burst.MaxReceive * MbufBytes, 64);
    private readonly void** _packets = (void**)NativeMemory.Alloc(Burst.MaxReceive, (nuint)sizeof(void*));

    internal TablesRig(
        uint maxFlows = 10_000, uint maxFlowsPerTable = 10_000, int maxMasks = 1024, byte tables = 8, long cacheEntries = 1024,
        uint? slots = null, Func<uint, bool>? portExists = null)
    {
        Statistics = FlowStatistics.InProcess(slots ?? FlowTablesOptions.SlotsFor(maxFlows), Lcore);
        Tables = new FlowTables(new FlowTablesOptions
        {
            Limits = new FlowLimits(tables, 64),
            MaxFlows = maxFlows,
            MaxFlowsPerTable = maxFlowsPerTable,
            MaxMasks = maxMasks,
            Statistics = Statistics,
            GracePeriod = Grace,
            PortExists = portExists,
        });
        Context = new CountingContext(Lcore, cacheEntries);
        Stage = new ClassifyStage(Context, Tables);
    }

    internal ManualGrace Grace { get; } = new();

    internal FlowStatistics Statistics { get; }

    internal FlowTables Tables { get; }

    internal CountingContext Context { get; }

    internal ClassifyStage Stage { get; }

    internal long NowNs { get; set; } = 1_000_000_000;

    internal FlowHandle Add(FlowSpec spec) => Add(spec, out _);

    internal FlowHandle Add(FlowSpec spec, out FlowRemoval replaced)
    {
        var error = Tables.Add(spec.Encode(), NowNs, out var added, out replaced);
        Assert.Equal(FlowErrorCode.None, error.Code);
        return added;
    }

    internal FlowErrorCode TryAdd(FlowSpec spec) => Tables.Add(spec.Encode(), NowNs, out _, out _).Code;

    /// <summary>Classifies one packet; the flows it has met, or none when it was dropped as a miss.</summary>
    internal FlowHandle[] Classify(FlowKey key, uint length = 64) => Classify([key], length)[0];

    /// <summary>Classifies up to 32 packets in one burst.</summary>
    internal FlowHandle[][] Classify(ReadOnlySpan<FlowKey> keys, uint length = 64)
    {
        for (var i = 0; i < keys.Length; i++)
        {
            _packets[i] = _mbufs + i * MbufBytes;
            *Meta(i) = new PacketMeta { Key = keys[i], WireLength = length };
        }

        var burst = new Burst { Packets = _packets, Count = keys.Length };
        Stage.Process(ref burst);
        var results = new FlowHandle[keys.Length][];
        for (var i = 0; i < keys.Length; i++)
        {
            // A packet that stays keeps its order; the rig's packets are told apart by their place.
            results[i] = Kept(burst, i) ? Path(i) : [];
            Assert.True(((ReadOnlySpan<ulong>)Meta(i)->Key).SequenceEqual(keys[i]), "classify has changed a packet's key");
        }

        return results;
    }

    /// <summary>Pointers to the entries that packet <paramref name="i"/> of the last burst met.</summary>
    internal nint[] Entries(int i)
    {
        var meta = Meta(i);
        var path = meta->FlowPath != 0 ? (nint*)meta->FlowPath : &meta->Flow0;
        return new ReadOnlySpan<nint>(path, Math.Max(0, meta->FlowCount)).ToArray();
    }

    internal PacketMeta* Meta(int i) => (PacketMeta*)(_mbufs + i * MbufBytes + RteMbuf.SizeInBytes);

    public void Dispose()
    {
        Stage.Dispose();
        Context.Dispose();
        Tables.Dispose();
        Statistics.Dispose();
        NativeMemory.AlignedFree(_mbufs);
        NativeMemory.Free(_packets);
    }

    private bool Kept(Burst burst, int i)
    {
        for (var j = 0; j < burst.Count; j++)
            if (burst.Packets[j] == _mbufs + i * MbufBytes) return true;
        return false;
    }

    private FlowHandle[] Path(int i) =>
        [.. Entries(i).Select(entry => new FlowHandle(((FlowEntry*)entry)->Slot, ((FlowEntry*)entry)->Generation))];
}
