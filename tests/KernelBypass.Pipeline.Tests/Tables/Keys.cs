using System.Buffers.Binary;
using KernelBypass.Model.Flows;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>Packet keys and match items for tests.</summary>
internal static class Keys
{
    internal static FlowKey Tcp(uint inPort, uint source, uint destination, ushort sourcePort, ushort destinationPort)
    {
        FlowKey key = default;
        var bytes = key.Bytes;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[Key.EthType..], 0x0800);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[Key.InPort..], inPort);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[Key.Ipv4Src..], source);
        BinaryPrimitives.WriteUInt32BigEndian(bytes[Key.Ipv4Dst..], destination);
        bytes[Key.IpProto] = 6;
        bytes[Key.IpTtl] = 64;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[Key.L4Src..], sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[Key.L4Dst..], destinationPort);
        return key;
    }

    internal static MatchItem Item(MatchField field, ulong value, ulong? mask = null)
    {
        var width = MatchFieldCatalogue.Find(field)!.ValueBytes;
        return new(field, Bytes(value, width), mask is { } m ? Bytes(m, width) : null);
    }

    internal static MatchItem[] TcpMatch(uint source, uint destination, ushort sourcePort, ushort destinationPort) =>
    [
        Item(MatchField.EthType, 0x0800), Item(MatchField.IpProto, 6), Item(MatchField.Ipv4Src, source),
        Item(MatchField.Ipv4Dst, destination), Item(MatchField.TcpSrc, sourcePort), Item(MatchField.TcpDst, destinationPort),
    ];

    internal static byte[] Bytes(ulong value, int width)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes[(8 - width)..];
    }
}
