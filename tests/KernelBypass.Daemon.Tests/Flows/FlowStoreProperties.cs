using KernelBypass.Channel.Messages;
using FsCheck;
using FsCheck.Fluent;
using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Tests.Flows;

/// <summary>The store against a dictionary, over random sequences of changes.</summary>
public sealed class FlowStoreProperties
{
    /// <summary>One change: what, on which of a few identities, in which slot.</summary>
    internal sealed record Change(int Kind, byte Table, ushort Priority, byte Prefix, int Actions, uint Slot, uint Generation);

    private static readonly Gen<Change> s_change =
        from kind in Gen.Choose(0, 4)
        from table in Gen.Choose(0, 2)
        from priority in Gen.Choose(0, 3)
        from prefix in Gen.Elements(0, 8, 16, 24)
        from actions in Gen.Choose(0, 40)
        from slot in Gen.Choose(0, 300)
        from generation in Gen.Choose(1, 3)
        select new Change(kind, (byte)table, (ushort)priority, (byte)prefix, actions, (uint)slot, (uint)generation);

    internal static byte[] Spec(byte table, ushort priority, byte prefix, int actions, ulong cookie = 0)
    {
        var match = new List<MatchItem>();
        if (prefix > 0)
        {
            match.Add(new(MatchField.EthType, [8, 0]));
            var mask = new byte[4];
            mask.AsSpan(0, prefix / 8).Fill(0xff);
            match.Add(new(MatchField.Ipv4Dst, [.. mask.Select((bits, i) => (byte)(bits & (10 + i)))], mask));
        }

        return new FlowSpec
        {
            TableId = table,
            Priority = priority,
            Cookie = cookie,
            Match = match,
            ApplyActions = [.. Enumerable.Range(1, actions).Select(port => FlowAction.Output((uint)port))],
        }.Encode();
    }

    [Fact]
    public void The_store_agrees_with_a_dictionary() => Prop.ForAll(s_change.ListOf().ToArbitrary(), Agrees).QuickCheckThrowOnFailure();

    private static bool Agrees(List<Change> changes)
    {
        var store = new FlowStore();
        var model = new Dictionary<string, (byte[] Spec, FlowHandle Handle)>();
        foreach (var change in changes)
        {
            var spec = Spec(change.Table, change.Priority, change.Prefix, change.Actions);
            var identity = Convert.ToHexString(FlowIdentity.Of(spec).ToBytes());
            var index = store.Find(FlowIdentity.Of(spec));
            if ((index != FlowStore.None) != model.ContainsKey(identity)) return false;
            var handle = new FlowHandle(change.Slot, change.Generation);
            if (change.Kind < 3)
            {
                // A slot holds one flow: the data plane would not hand it out twice.
                if (model.Any(other => other.Key != identity && other.Value.Handle.Slot == handle.Slot)) continue;
                store.Put(spec, handle);
                model[identity] = (spec, handle);
            }
            else if (change.Kind == 3 && index != FlowStore.None)
            {
                store.Remove(index);
                model.Remove(identity);
            }
            else if (change.Kind == 4)
            {
                store.ClearHandles();
                foreach (var key in model.Keys.ToList()) model[key] = (model[key].Spec, NoFlow.Handle);
            }

            if (!Same(store, model)) return false;
        }

        return true;
    }

    private static bool Same(FlowStore store, Dictionary<string, (byte[] Spec, FlowHandle Handle)> model)
    {
        if (store.Count != model.Count) return false;
        var walked = 0;
        for (var i = 0; i < store.End; i++)
        {
            if (!store.Holds(i)) continue;
            walked++;
            var expected = model[Convert.ToHexString(FlowIdentity.Of(store.Spec(i)).ToBytes())];
            if (!store.Spec(i).SequenceEqual(expected.Spec) || store.Handle(i) != expected.Handle) return false;
            if (!expected.Handle.IsNone() && store.Find(expected.Handle) != i) return false;
        }

        for (byte table = 0; table < 3; table++)
        {
            if (store.CountOf(table) != model.Values.Count(flow => flow.Spec[1] == table)) return false;
        }

        return walked == model.Count;
    }

    [Fact]
    public void Covering_is_per_bit() => Prop.ForAll(
        Gen.Zip(Gen.Elements<byte>(0, 8, 16, 24), Gen.Elements<byte>(0, 8, 16, 24)).ToArbitrary(),
        pair =>
        {
            var (wide, narrow) = pair;
            var filter = new FlowFilter();
            var items = Spec(0, 0, wide, 0);
            Assert.True(filter.SetMatch(FlowIdentity.Of(items).Match).IsOk);
            return filter.Selects(Spec(0, 0, narrow, 0)) == (wide <= narrow);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Filters_fit_cookie_table_priority_and_output()
    {
        var spec = Spec(1, 7, 8, 2, cookie: 0xab);
        Assert.True(new FlowFilter().SelectsEverything);
        Assert.True(new FlowFilter { Cookie = 0xa0, CookieMask = 0xf0 }.Selects(spec));
        Assert.False(new FlowFilter { Cookie = 0xb0, CookieMask = 0xf0 }.Selects(spec));
        Assert.True(new FlowFilter { TableId = 1, Priority = 7, OutPort = 2 }.Selects(spec));
        Assert.False(new FlowFilter { TableId = 0 }.Selects(spec));
        Assert.False(new FlowFilter { Priority = 8 }.Selects(spec));
        Assert.False(new FlowFilter { OutPort = 3 }.Selects(spec));
    }

    [Fact]
    public void A_flow_costs_less_than_250_bytes_beside_its_encoding()
    {
        const int Flows = 100_000;
        var store = new FlowStore();
        long encoded = 0;
        for (var i = 0; i < Flows; i++)
        {
            var spec = new FlowSpec
            {
                Priority = 1,
                Match = [new(MatchField.InPort, [(byte)(i >> 24), (byte)(i >> 16), (byte)(i >> 8), (byte)i])],
                ApplyActions = [FlowAction.Output(1)],
            }.Encode();
            encoded += spec.Length;
            store.Put(spec, new((uint)i, 1));
        }

        Assert.Equal(Flows, store.Count);
        Assert.InRange((store.ReservedBytes - encoded) / Flows, 0, 250);
    }
}
