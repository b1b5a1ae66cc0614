using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Tests.Tables;

public class AllocationTests
{
    private struct Ignored : IFlowRemovalSink
    {
        public readonly void Removed(in FlowRemoval removal, ReadOnlySpan<byte> spec)
        {
        }
    }

    [Fact]
    public void Changing_sweeping_reclaiming_and_classifying_allocate_nothing()
    {
        using var rig = new TablesRig();
        var random = new Random(5);
        var flows = new RandomFlows(random, tables: 4);
        var specs = Enumerable.Range(0, 400).Select(i => flows.Next().Encode()).ToArray();
        var changes = specs.Select(spec => flows.WithNewInstructions(FlowSpec.Decode(spec)).Encode()).ToArray();
        var keys = flows.Keys(32);
        var handles = new FlowHandle[specs.Length];
        Round(rig, specs, changes, keys, handles);
        Round(rig, specs, changes, keys, handles);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Round(rig, specs, changes, keys, handles);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void Round(TablesRig rig, byte[][] specs, byte[][] changes, FlowKey[] keys, FlowHandle[] handles)
    {
        var sink = default(Ignored);
        for (var i = 0; i < specs.Length; i++)
        {
            rig.Tables.Add(specs[i], rig.NowNs, out handles[i], out _);
            rig.Tables.Publish();
            rig.Lane.Run(keys);
        }

        for (var i = 0; i < specs.Length; i++) rig.Tables.Modify(handles[i], changes[i]);
        rig.Lane.Run(keys);
        rig.NowNs += 1_000_000_000;
        rig.Tables.Sweep(rig.NowNs, ref sink, 1000);
        foreach (var handle in handles) rig.Tables.Delete(handle, out _);
        rig.Tables.Publish();
        rig.Lane.Run(keys);
        rig.Settle();
    }
}
