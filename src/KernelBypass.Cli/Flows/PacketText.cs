using KernelBypass.Model.Flows;
using KernelBypass.Model.Text;
using KernelBypass.Wire;

namespace KernelBypass.Cli.Flows;

/// <summary>Builds a packet from what people write: hex bytes, a pcap file's packet, or fields as in a match.</summary>
internal static class PacketText
{
    /// <summary>A whole frame.</summary>
    /// <exception cref="FormatException">The text is neither hex nor a list of fields.</exception>
    internal static byte[] Parse(string text)
    {
        var hex = text.Replace(" ", "", StringComparison.Ordinal).Replace(":", "", StringComparison.Ordinal);
        if (hex.Length >= 28 && hex.Length % 2 == 0 && hex.All(char.IsAsciiHexDigit)) return Convert.FromHexString(hex);
        return Build(FlowTextParser.ParseMatch(text));
    }

    /// <summary>One packet of a capture file, counted from 1.</summary>
    /// <exception cref="FormatException">There are fewer packets.</exception>
    internal static byte[] FromPcap(string path, int number)
    {
        var records = PcapFile.ReadAll(path);
        return number >= 1 && number <= records.Count
            ? records[number - 1].Data.ToArray()
            : throw new FormatException($"{path} has {records.Count} packets: there is no packet {number}");
    }

    private static byte[] Build(IReadOnlyList<MatchItem> fields)
    {
        if (fields.FirstOrDefault(item => item.Mask is not null) is { } masked)
            throw new FormatException($"{masked.Field}: a packet has values, not masks");
        var values = fields.ToDictionary(item => item.Field, item => item.Value);
        var frame = FrameBuilder.Ethernet(Text(values, MatchField.EthDst, "02:00:00:00:00:02"), Text(values, MatchField.EthSrc, "02:00:00:00:00:01"));
        if (values.TryGetValue(MatchField.VlanVid, out var vlan) && (Number(vlan) & FlowKeyLayout.VlanPresent) != 0)
            frame.Vlan(Number(vlan) & 0xfff, values.TryGetValue(MatchField.VlanPcp, out var priority) ? priority[0] : 0);
        var type = values.TryGetValue(MatchField.EthType, out var etherType) ? Number(etherType) : 0x0800;
        switch (type)
        {
            case 0x0800:
                frame.Ipv4(Text(values, MatchField.Ipv4Src, "192.0.2.1"), Text(values, MatchField.Ipv4Dst, "192.0.2.2"), Ttl(values));
                AddTransport(frame, values, MatchField.Icmpv4Type);
                break;
            case 0x86dd:
                frame.Ipv6(Text(values, MatchField.Ipv6Src, "2001:db8::1"), Text(values, MatchField.Ipv6Dst, "2001:db8::2"), Ttl(values));
                AddTransport(frame, values, MatchField.Icmpv6Type);
                break;
            default:
                frame.EtherType((ushort)type).PayloadLength(46);
                break;
        }

        return frame.PadTo().Build();
    }

    private static void AddTransport(FrameBuilder frame, Dictionary<MatchField, byte[]> values, MatchField icmpType)
    {
        var protocol = values.TryGetValue(MatchField.IpProto, out var value) ? value[0] : (byte)17;
        switch (protocol)
        {
            case 6: frame.Tcp(Port(values, MatchField.TcpSrc), Port(values, MatchField.TcpDst)); break;
            case 17: frame.Udp(Port(values, MatchField.UdpSrc), Port(values, MatchField.UdpDst)); break;
            case 1: frame.Icmpv4(new IcmpHeader { Type = Byte(values, icmpType, 8) }); break;
            case 58: frame.Icmpv6(new IcmpHeader { Type = Byte(values, icmpType, 128) }); break;
            default: throw new FormatException($"ip_proto={protocol}: packets of TCP, UDP, ICMP and ICMPv6 can be built; give others as hex");
        }
    }

    private static string Text(Dictionary<MatchField, byte[]> values, MatchField field, string otherwise) =>
        values.TryGetValue(field, out var value) ? FieldText.FormatValue(MatchFieldCatalogue.Find(field)!, value) : otherwise;

    private static byte Ttl(Dictionary<MatchField, byte[]> values) => Byte(values, MatchField.IpTtl, 64);

    private static byte Byte(Dictionary<MatchField, byte[]> values, MatchField field, byte otherwise) =>
        values.TryGetValue(field, out var value) ? value[0] : otherwise;

    private static ushort Port(Dictionary<MatchField, byte[]> values, MatchField field) =>
        values.TryGetValue(field, out var value) ? (ushort)Number(value) : (ushort)1024;

    private static int Number(byte[] value) => value.Aggregate(0, (number, octet) => (number << 8) | octet);
}
