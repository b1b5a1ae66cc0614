using System.Net;
using KernelBypass.Wire;

namespace KernelBypass.SwitchBench.Traffic;

/// <summary>A thousand random prefix, protocol and port-range rules, and packets that they match (replayable: seeds are fixed).</summary>
internal static class AclRules
{
    internal const int Count = 1000;

    private static readonly Rule[] s_rules = Make();

    private sealed record Rule(
        uint Source, int SourceLength, uint Destination, int DestinationLength, int Protocol, ushort Port, ushort PortMask);

    internal static IEnumerable<string> ForOvs() => s_rules.Select((rule, i) =>
            $"priority={1000 + i},in_port=1,{(rule.Protocol == 6 ? "tcp" : rule.Protocol == 17 ? "udp" : "ip")}"
            + (rule.SourceLength > 0 ? $",nw_src={Address(rule.Source)}/{rule.SourceLength}" : "")
            + $",nw_dst={Address(rule.Destination)}/{rule.DestinationLength}"
            + (rule.PortMask != 0 ? $",tp_dst=0x{rule.Port:x}/0x{rule.PortMask:x}" : "")
            + ",actions=output:2")
        .Append("priority=0,actions=drop");

    internal static IEnumerable<string> ForUs() => s_rules.Select((rule, i) =>
    {
        var protocol = rule.Protocol == 6 ? "tcp" : rule.Protocol == 17 ? "udp" : "ip";
        return $"priority={1000 + i},in_port=1,{protocol}"
            + (rule.SourceLength > 0 ? $",ipv4_src={Address(rule.Source)}/{rule.SourceLength}" : "")
            + $",ipv4_dst={Address(rule.Destination)}/{rule.DestinationLength}"
            + (rule.PortMask != 0 ? $",{protocol}_dst=0x{rule.Port:x}/0x{rule.PortMask:x}" : "")
            + " actions=output:2";
    }).Append("priority=0 actions=drop");

    /// <summary>Packet number <paramref name="flow"/>: random inside a random rule.</summary>
    internal static byte[] Frame(int flow)
    {
        var random = new Random(flow + 1000);
        var rule = s_rules[random.Next(s_rules.Length)];
        var source = rule.Source | (Bits(random) & ~Mask(rule.SourceLength));
        var destination = rule.Destination | (Bits(random) & ~Mask(rule.DestinationLength));
        var port = (ushort)(rule.Port | (random.Next(65536) & ~rule.PortMask));
        var protocol = rule.Protocol != 0 ? rule.Protocol : random.Next(2) == 0 ? 6 : 17;
        var frame = FrameBuilder.Ethernet("02:00:00:00:01:00", "02:00:00:00:00:01").Ipv4(Address(source), Address(destination));
        var sourcePort = (ushort)random.Next(1024, 65535);
        return (protocol == 6 ? frame.Tcp(sourcePort, port) : frame.Udp(sourcePort, port)).PadTo(64).Build();
    }

    private static Rule[] Make()
    {
        var random = new Random(7);
        var rules = new Rule[Count];
        for (var i = 0; i < Count; i++)
        {
            var sourceLength = new[] { 0, 8, 12, 16, 20, 24, 28, 32 }[random.Next(8)];
            var destinationLength = new[] { 8, 16, 20, 24, 28, 32 }[random.Next(6)];
            var protocol = new[] { 6, 17, 17, 0 }[random.Next(4)];
            var portMask = protocol == 0 ? 0 : new[] { 0, 0xffff, new[] { 0xff00, 0xf000, 0xfc00 }[random.Next(3)] }[random.Next(3)];
            rules[i] = new(
                Bits(random) & Mask(sourceLength), sourceLength, Bits(random) & Mask(destinationLength), destinationLength,
                protocol, (ushort)(random.Next(65536) & portMask), (ushort)portMask);
        }

        return rules;
    }

    private static uint Bits(Random random) => (uint)random.NextInt64(1L << 32);

    private static uint Mask(int length) => length == 0 ? 0 : uint.MaxValue << (32 - length);

    private static string Address(uint address) => new IPAddress(System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(address)).ToString();
}
