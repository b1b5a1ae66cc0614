using KernelBypass.Model.Flows;

namespace KernelBypass.Model.Tests.Flows;

/// <summary>Valid flows at random: prerequisites are put in, values fit their fields.</summary>
internal sealed class SpecGenerator(Random random)
{
    internal FlowSpec Next()
    {
        var match = new SortedDictionary<MatchField, MatchItem>();
        for (var i = random.Next(6); i > 0; i--) Add(match, MatchFieldCatalogue.All[random.Next(MatchFieldCatalogue.All.Count)]);
        byte table = (byte)random.Next(63);
        byte? next = random.Next(2) == 0 ? (byte)random.Next(table + 1, 64) : null;
        return new FlowSpec
        {
            TableId = table,
            Priority = (ushort)random.Next(65536),
            Flags = (FlowFlags)random.Next(8),
            Cookie = (ulong)random.NextInt64(),
            IdleTimeoutSeconds = (uint)random.Next(),
            HardTimeoutSeconds = (uint)random.Next(),
            GotoTable = next,
            MetadataMask = next == null ? 0 : (ulong)random.NextInt64(),
            MetadataValue = (ulong)random.NextInt64(),
            ClearActions = random.Next(2) == 0,
            Match = [.. match.Values],
            ApplyActions = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Output())],
            WriteActions = random.Next(2) == 0 ? [Output()] : [],
        };
    }

    /// <summary>A random value that fits a field.</summary>
    internal byte[] Value(MatchFieldDeclaration field)
    {
        var value = new byte[field.ValueBytes];
        random.NextBytes(value);
        value[0] &= (byte)(0xff >> (field.ValueBytes * 8 - field.Bits));
        return value;
    }

    private FlowAction Output() => random.Next(3) switch
    {
        0 => FlowAction.Output((uint)random.Next(1, 100)),
        1 => FlowAction.Output(ReservedPort.Controller, (ushort)random.Next(65536)),
        _ => FlowAction.Output(ReservedPort.Flood),
    };

    private void Add(SortedDictionary<MatchField, MatchItem> match, MatchFieldDeclaration field)
    {
        if (match.ContainsKey(field.Id) || !AddPrerequisites(match, field)) return;
        var value = Value(field);
        byte[]? mask = null;
        if (field.Maskable && random.Next(2) == 0)
        {
            mask = Value(field);
            if (mask.AsSpan().IndexOfAnyExcept((byte)0) < 0) mask[^1] = 1;
            for (var i = 0; i < value.Length; i++) value[i] &= mask[i];
        }

        match[field.Id] = new(field.Id, value, mask);
    }

    private static bool AddPrerequisites(SortedDictionary<MatchField, MatchItem> match, MatchFieldDeclaration field)
    {
        if (field.Id == MatchField.VlanPcp) return Put(match, MatchField.VlanVid, [0x10, 0x01]);
        if (field.Id == MatchField.InnerVlanPcp) return Put(match, MatchField.InnerVlanVid, [0x10, 0x02]);
        if (field.Prerequisites.Length == 0) return true;
        var need = field.Prerequisites[0];
        return Put(match, MatchField.EthType, [(byte)(need.EthType >> 8), (byte)need.EthType])
            && (need.IpProto < 0 || Put(match, MatchField.IpProto, [(byte)need.IpProto]))
            && (need.IcmpTypes == null || Put(match, MatchField.Icmpv6Type, [need.IcmpTypes[0]]));
    }

    private static bool Put(SortedDictionary<MatchField, MatchItem> match, MatchField field, byte[] value)
    {
        if (match.TryGetValue(field, out var there)) return there.Mask == null && there.Value.SequenceEqual(value);
        match[field] = new(field, value);
        return true;
    }
}
