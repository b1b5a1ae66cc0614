using System.Buffers.Binary;
using KernelBypass.Model.Flows;

namespace KernelBypass.Bench.Classifier;

/// <summary>Rule sets, encoded, with traffic that meets them.</summary>
internal static class Rules
{
    internal static byte[] InPort() => new FlowSpec
    {
        Priority = 10, Match = [new(MatchField.InPort, [0, 0, 0, 1])], ApplyActions = [FlowAction.Output(2)],
    }.Encode();

    /// <summary>An exact 5-tuple with two actions.</summary>
    internal static byte[] Exact(int i)
    {
        var (source, destination, sourcePort, destinationPort) = Tuple(i);
        return new FlowSpec
        {
            Priority = 100,
            Cookie = (ulong)i,
            Match = Match(source, 32, destination, 32, sourcePort, destinationPort),
            ApplyActions = [FlowAction.SetField(MatchField.EthDst, [2, 0, 0, 0, 0, 9]), FlowAction.Output(2)],
        }.Encode();
    }

    internal static ulong[] ExactTraffic(int flows)
    {
        var tuples = new ulong[2 * flows];
        for (var i = 0; i < flows; i++)
        {
            var (source, destination, sourcePort, destinationPort) = Tuple(i);
            Traffic.Put(tuples, i, source, destination, sourcePort, destinationPort);
        }

        return tuples;
    }

    /// <summary>Prefix and port rules, of many masks and priorities, and traffic of which each flow meets one of them at
    /// least.</summary>
    internal static (List<byte[]> Rules, ulong[] Traffic) Wildcards(int rules, int flows)
    {
        var random = new Random(7);
        var specs = new List<byte[]>();
        var tuples = new ulong[2 * flows];
        var made = new List<(uint Source, int SourceBits, uint Destination, int DestinationBits, int Port)>();
        for (var i = 0; i < rules; i++)
        {
            var rule = (Source: (uint)random.Next(), SourceBits: random.Next(8, 25), Destination: (uint)random.Next(),
                DestinationBits: random.Next(8, 33), Port: random.Next(2) == 0 ? random.Next(1, 65536) : -1);
            made.Add(rule);
            specs.Add(new FlowSpec
            {
                Priority = (ushort)random.Next(1, 1000),
                Match = Match(rule.Source, rule.SourceBits, rule.Destination, rule.DestinationBits, -1, rule.Port),
                ApplyActions = [FlowAction.Output(2)],
            }.Encode());
        }

        for (var i = 0; i < flows; i++)
        {
            var rule = made[i % made.Count];
            var source = (rule.Source & Prefix(rule.SourceBits)) | ((uint)random.Next() & ~Prefix(rule.SourceBits));
            var prefix = Prefix(rule.DestinationBits);
            var destination = (rule.Destination & prefix) | ((uint)random.Next() & ~prefix);
            Traffic.Put(tuples, i, source, destination, (ushort)random.Next(),
                (ushort)(rule.Port < 0 ? random.Next() : rule.Port));
        }

        return (specs, tuples);
    }

    /// <summary>Rules under distinct masks, which random headers hardly ever match.</summary>
    internal static List<byte[]> ManyMasks(int masks, int rulesPerMask)
    {
        var random = new Random(11);
        var specs = new List<byte[]>();
        for (var m = 0; m < masks; m++)
        {
            for (var i = 0; i < rulesPerMask; i++)
            {
                specs.Add(new FlowSpec
                {
                    Priority = (ushort)(1 + m),
                    Match = Match((uint)random.Next(), 17 + m % 16, (uint)random.Next(), 25 + m / 16 % 8, -1, -1),
                    ApplyActions = [FlowAction.Output(2)],
                }.Encode());
            }
        }

        return specs;
    }

    private static (uint Source, uint Destination, ushort SourcePort, ushort DestinationPort) Tuple(int i) =>
        (0x0a000000 + (uint)i, 0xc0a80000 + (uint)(i % 65_521), (ushort)(1024 + i % 50_021), (ushort)(1 + i % 1021));

    private static uint Prefix(int bits) => bits == 0 ? 0 : uint.MaxValue << (32 - bits);

    private static List<MatchItem> Match(uint source, int sourceBits, uint destination, int destinationBits, int sourcePort,
        int destinationPort)
    {
        var match = new List<MatchItem> { new(MatchField.EthType, [8, 0]), new(MatchField.IpProto, [6]) };
        match.Add(Address(MatchField.Ipv4Src, source, sourceBits));
        match.Add(Address(MatchField.Ipv4Dst, destination, destinationBits));
        if (sourcePort >= 0) match.Add(new(MatchField.TcpSrc, Big((ushort)sourcePort)));
        if (destinationPort >= 0) match.Add(new(MatchField.TcpDst, Big((ushort)destinationPort)));
        return match;
    }

    private static MatchItem Address(MatchField field, uint address, int bits) =>
        bits == 32 ? new(field, Big(address)) : new(field, Big(address & Prefix(bits)), Big(Prefix(bits)));

    private static byte[] Big(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Big(ushort value) => [(byte)(value >> 8), (byte)value];
}
