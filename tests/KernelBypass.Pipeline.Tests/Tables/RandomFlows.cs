using KernelBypass.Model.Flows;
using static KernelBypass.Pipeline.Tests.Tables.Keys;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Flows and packets from a small world, so that they meet, overlap and coincide often.</summary>
internal sealed class RandomFlows(Random random, int tables)
{
    private static readonly uint[] s_addresses = [0x0a000001, 0x0a000002, 0x0a000101, 0x0a010001, 0xc0a80001, 0x0a0000ff];
    private static readonly ushort[] s_ports = [80, 81, 443, 1024, 1025, 65535];

    internal FlowSpec Next()
    {
        var table = (byte)random.Next(tables);
        return Instructions(new FlowSpec
        {
            TableId = table,
            Priority = (ushort)random.Next(random.Next(2) == 0 ? 3 : 65536),
            Flags = Flags(),
            Cookie = (ulong)random.NextInt64(),
            Match = Match(table),
        });
    }

    internal FlowSpec WithNewInstructions(FlowSpec old) => Instructions(old);

    internal FlowKey[] Keys(int count)
    {
        var keys = new FlowKey[count];
        for (var i = 0; i < count; i++)
        {
            keys[i] = Tcp((uint)random.Next(1, 4), Pick(s_addresses), Pick(s_addresses), Pick(s_ports), Pick(s_ports));
            var bytes = keys[i].Bytes;
            bytes[FlowKeyLayout.IpTtl] = (byte)random.Next(1, 4);
            if (random.Next(4) == 0) bytes[FlowKeyLayout.IpProto] = 17;
            if (random.Next(3) != 0) continue;
            bytes[FlowKeyLayout.VlanTci] = (byte)(0x10 | (random.Next(2) << 5));
            bytes[FlowKeyLayout.VlanTci + 1] = (byte)random.Next(3);
            bytes[FlowKeyLayout.VlanTpid] = 0x81;
            if (random.Next(2) != 0) continue;
            bytes[FlowKeyLayout.InnerVlanTci] = 0x10;
            bytes[FlowKeyLayout.InnerVlanTci + 1] = (byte)random.Next(3);
            bytes[FlowKeyLayout.InnerTpid] = 0x81;
        }

        return keys;
    }

    private FlowFlags Flags() => random.Next(8) switch
    {
        0 => FlowFlags.ResetCounts,
        1 => FlowFlags.CheckOverlap,
        2 => FlowFlags.ResetCounts | FlowFlags.CheckOverlap,
        _ => FlowFlags.None,
    };

    private List<MatchItem> Match(byte table)
    {
        var match = new List<MatchItem>();
        if (random.Next(3) == 0) match.Add(Item(MatchField.InPort, (ulong)random.Next(1, 4)));
        if (table > 0 && random.Next(3) == 0) match.Add(Masked(MatchField.Metadata, (ulong)random.Next(4), 64, 3));
        if (random.Next(4) == 0) match.Add(Item(MatchField.VlanVid, 0x1000u | (uint)random.Next(3), 0x1fff));
        if (random.Next(8) == 0) return match;
        match.Add(Item(MatchField.EthType, 0x0800));
        if (random.Next(2) == 0) match.Add(Prefix(MatchField.Ipv4Src));
        if (random.Next(2) == 0) match.Add(Prefix(MatchField.Ipv4Dst));
        if (random.Next(6) == 0) match.Add(Masked(MatchField.IpTtl, (ulong)random.Next(4), 8, 3));
        if (random.Next(2) == 0) return match;
        match.Add(Item(MatchField.IpProto, 6));
        if (random.Next(2) == 0) match.Add(Masked(MatchField.TcpSrc, Pick(s_ports), 16, 0xffff));
        if (random.Next(2) == 0) match.Add(Masked(MatchField.TcpDst, Pick(s_ports), 16, 0xffff));
        return match;
    }

    private FlowSpec Instructions(FlowSpec flow)
    {
        var apply = new List<FlowAction>();
        var ip = flow.Match.Any(item => item.Field == MatchField.EthType);
        var tcp = flow.Match.Any(item => item.Field == MatchField.IpProto);
        var tagged = flow.Match.Any(item => item.Field == MatchField.VlanVid);
        if (random.Next(3) == 0) apply.Add(FlowAction.Output(2));
        if (tagged && random.Next(3) == 0) apply.Add(FlowAction.PopVlan);
        if (random.Next(6) == 0) apply.Add(FlowAction.PushVlan(0x8100));
        if (ip && random.Next(4) == 0) apply.Add(FlowAction.SetField(MatchField.Ipv4Dst, Bytes(Pick(s_addresses), 4)));
        if (ip && random.Next(5) == 0) apply.Add(FlowAction.DecTtl);
        if (tcp && random.Next(4) == 0) apply.Add(FlowAction.SetField(MatchField.TcpDst, Bytes(Pick(s_ports), 2)));
        if (random.Next(12) == 0) apply.Add(FlowAction.Drop);
        byte? next = flow.TableId + 1 < tables && random.Next(2) == 0 ? (byte)random.Next(flow.TableId + 1, tables) : null;
        return new FlowSpec
        {
            TableId = flow.TableId,
            Priority = flow.Priority,
            Flags = flow.Flags,
            Cookie = flow.Cookie,
            Match = flow.Match,
            ApplyActions = apply,
            GotoTable = next,
            MetadataMask = next != null && random.Next(2) == 0 ? 3ul : 0,
            MetadataValue = (ulong)random.Next(4),
        };
    }

    private MatchItem Prefix(MatchField field)
    {
        var length = random.Next(3) == 0 ? 32 : random.Next(1, 33);
        return Item(field, Pick(s_addresses) & (uint.MaxValue << (32 - length)), uint.MaxValue << (32 - length));
    }

    private MatchItem Masked(MatchField field, ulong value, int bits, ulong all)
    {
        var mask = random.Next(2) == 0 ? all : (ulong)random.NextInt64() & all;
        if (mask == 0) mask = 1;
        return Item(field, value & mask, bits == 64 || mask != all ? mask : null);
    }

    private T Pick<T>(T[] from) => from[random.Next(from.Length)];
}
