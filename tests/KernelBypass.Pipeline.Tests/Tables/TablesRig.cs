using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Flow tables with one classifying lcore.</summary>
internal sealed unsafe class TablesRig : IDisposable
{
    internal const int Lcore = 3;
    internal const int OtherLcore = 5;

    internal TablesRig(
        uint maxFlows = 10_000, uint maxFlowsPerTable = 10_000, int maxMasks = 1024, byte tables = 8, long cacheEntries = 1024,
        uint? slots = null, Func<uint, bool>? portExists = null, IGracePeriod? grace = null)
    {
        Statistics = FlowStatistics.InProcess(slots ?? FlowTablesOptions.SlotsFor(maxFlows), Lcore, OtherLcore);
        Tables = new FlowTables(new FlowTablesOptions
        {
            Limits = new FlowLimits(tables, 64),
            MaxFlows = maxFlows,
            MaxFlowsPerTable = maxFlowsPerTable,
            MaxMasks = maxMasks,
            Statistics = Statistics,
            GracePeriod = grace ?? Grace,
            PortExists = portExists,
        });
        Lane = new ClassifyLane(Tables, Lcore, cacheEntries);
    }

    internal ManualGrace Grace { get; } = new();

    internal FlowStatistics Statistics { get; }

    internal FlowTables Tables { get; }

    internal ClassifyLane Lane { get; }

    internal CountingContext Context => Lane.Context;

    internal long NowNs { get; set; } = 1_000_000_000;

    internal FlowHandle Add(FlowSpec spec) => Add(spec, out _);

    internal FlowHandle Add(FlowSpec spec, out FlowRemoval replaced)
    {
        var error = Tables.Add(spec.Encode(), NowNs, out var added, out replaced);
        Assert.Equal(FlowErrorCode.None, error.Code);
        return added;
    }

    internal FlowErrorCode TryAdd(FlowSpec spec) => Tables.Add(spec.Encode(), NowNs, out _, out _).Code;

    /// <summary>Classifies one packet; the flows it has met, or none when it was dropped.</summary>
    internal FlowHandle[] Classify(FlowKey key, uint length = 64) => Classify([key], length)[0];

    /// <summary>Classifies up to 32 packets in one burst.</summary>
    internal FlowHandle[][] Classify(ReadOnlySpan<FlowKey> keys, uint length = 64)
    {
        Lane.Run(keys, length);
        var results = new FlowHandle[keys.Length][];
        for (var i = 0; i < keys.Length; i++)
        {
            results[i] = Lane.Kept(i) ? [.. Lane.Entries(i).Select(Handle)] : [];
            Assert.True(((ReadOnlySpan<ulong>)Lane.Meta(i)->Key).SequenceEqual(keys[i]), "classify has changed a packet's key");
        }

        return results;
    }

    /// <summary>Publishes, ends all grace periods and frees what is free then.</summary>
    internal void Settle()
    {
        Tables.Publish();
        Grace.Pass();
        Tables.Reclaim(int.MaxValue);
        Grace.Pass();
        Tables.Reclaim(int.MaxValue);
    }

    public void Dispose()
    {
        Lane.Dispose();
        Tables.Dispose();
        Statistics.Dispose();
    }

    private static FlowHandle Handle(nint entry) => new(((FlowEntry*)entry)->Slot, ((FlowEntry*)entry)->Generation);
}
