using FsCheck;
using FsCheck.Fluent;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>The classifier against a linear search, under random changes between lookups.</summary>
public unsafe class ModelTests
{
    [Theory]
    [InlineData(1024)]
    [InlineData(8)]
    [InlineData(0)]
    public void Every_lookup_meets_what_a_linear_search_meets(int cacheEntries)
    {
        Prop.ForAll<int>(seed => Play(seed, cacheEntries)).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    private static bool Play(int seed, int cacheEntries)
    {
        var random = new Random(seed);
        using var rig = new TablesRig(cacheEntries: cacheEntries, tables: 4);
        var model = new LinearModel();
        var flows = new RandomFlows(random, tables: random.Next(1, 5));
        for (var step = 0; step < 150; step++)
        {
            var batch = random.Next(1, 6);
            for (var i = 0; i < batch; i++) Change(random, rig, model, flows);
            rig.Tables.Publish();
            if (random.Next(3) == 0) rig.Grace.Pass();
            if (random.Next(3) == 0) rig.Tables.Reclaim(random.Next(1, 1000));
            for (var i = random.Next(1, 4); i > 0; i--) CheckBurst(rig, model, flows.Keys(random.Next(1, 33)));
        }

        CheckEnd(rig, model);
        return true;
    }

    private static void Change(Random random, TablesRig rig, LinearModel model, RandomFlows flows)
    {
        switch (random.Next(10))
        {
            case < 5:
                Add(rig, model, flows.Next());
                break;
            case < 7 when model.Flows.Count > 0:
                var modified = model.Flows[random.Next(model.Flows.Count)];
                var spec = flows.WithNewInstructions(modified.Spec);
                Assert.Equal(FlowErrorCode.None, rig.Tables.Modify(modified.Handle, spec.Encode()).Code);
                modified.Spec = spec;
                break;
            case < 10 when model.Flows.Count > 0:
                var deleted = model.Flows[random.Next(model.Flows.Count)];
                Assert.True(rig.Tables.Delete(deleted.Handle, out var removal).IsOk);
                Assert.Equal(deleted.Packets, removal.Packets);
                Assert.Equal(deleted.Handle, removal.Handle);
                Assert.Equal(FlowErrorCode.StaleHandle, rig.Tables.Delete(deleted.Handle, out _).Code);
                model.Flows.Remove(deleted);
                break;
        }
    }

    private static void Add(TablesRig rig, LinearModel model, FlowSpec spec)
    {
        var flow = LinearModel.Make(spec);
        var twin = model.Twin(flow);
        if ((spec.Flags & FlowFlags.CheckOverlap) != 0 && model.Overlaps(flow))
        {
            Assert.Equal(FlowErrorCode.Overlap, rig.TryAdd(spec));
            return;
        }

        flow.Handle = rig.Add(spec, out var replaced);
        Assert.Equal(twin != null, replaced.Handle.IsValid);
        if (twin != null)
        {
            Assert.Equal(twin.Handle, replaced.Handle);
            Assert.Equal(twin.Packets, replaced.Packets);
            if ((spec.Flags & FlowFlags.ResetCounts) == 0) flow.Packets = twin.Packets;
            model.Flows.Remove(twin);
        }

        model.Flows.Add(flow);
    }

    private static void CheckBurst(TablesRig rig, LinearModel model, FlowKey[] keys)
    {
        var paths = rig.Classify(keys);
        for (var i = 0; i < keys.Length; i++) CheckPath(model, keys[i], paths[i], rig.Lane.Entries(i));
    }

    private static void CheckPath(LinearModel model, FlowKey key, FlowHandle[] path, nint[] entries)
    {
        byte table = 0;
        for (var step = 0; ; step++)
        {
            var best = model.Best(table, key);
            if (best.Count == 0)
            {
                // Dropped, or handed on because earlier flows have applied something: in both cases the way ends here.
                Assert.Equal(step, entries.Length);
                return;
            }

            Assert.True(step < entries.Length, $"a packet met {entries.Length} flows, and more match it");
            var entry = (FlowEntry*)entries[step];
            var met = best.Find(flow => flow.Handle == new FlowHandle(entry->Slot, entry->Generation));
            Assert.True(met != null, "a packet met a flow that does not match it, or has not the highest priority");
            Assert.True(path.Length == 0 || path[step] == met.Handle);
            Assert.Equal(met.Spec.GotoTable ?? FlowSpecHeader.NoGoto, entry->GotoTable);
            Assert.Equal(met.Spec.ApplyActions.Count, entry->ApplyCount);
            met.Packets++;
            if (met.Spec.GotoTable is not { } next || !KeyRewriter.Apply(entry, &key))
            {
                Assert.Equal(step + 1, entries.Length);
                return;
            }

            table = next;
        }
    }

    private static void CheckEnd(TablesRig rig, LinearModel model)
    {
        Assert.Equal((uint)model.Flows.Count, rig.Tables.FlowCount);
        var left = model.Flows.ToDictionary(flow => flow.Handle);
        uint cursor = 0;
        while (rig.Tables.Dump(ref cursor, out var info, out var spec))
        {
            Assert.True(left.Remove(info.Handle, out var flow), "the dump has a flow that was deleted, or one twice");
            Assert.Equal(flow.Packets, info.Packets);
            Assert.Equal(flow.Packets * 64, info.Bytes);
            Assert.Equal(flow.Spec.Encode(), spec.ToArray());
            Assert.True(rig.Tables.Find(spec, out var found).IsOk);
            Assert.Equal(info.Handle, found);
        }

        Assert.Empty(left);
    }
}
