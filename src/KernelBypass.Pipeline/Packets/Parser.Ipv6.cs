using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using KernelBypass.Model.Flows;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Packets;

public static unsafe partial class Parser
{
    /// <summary>Most extension headers in a packet that is let through.</summary>
    public const int MaxExtensions = 8;

    private const int Ipv6Bytes = 40;
    private const int MaxNdOptions = 16;

    private static ParserVerdict ParseIpv6(byte* ip, int readable, int length, PacketMeta* meta)
    {
        if (readable < Ipv6Bytes) return ParserVerdict.Ipv6Truncated;
        if (ip[0] >> 4 != 6) return ParserVerdict.Ipv6BadVersion;
        var end = Ipv6Bytes + BinaryPrimitives.ReverseEndianness(*(ushort*)(ip + 4));
        if (end > length) return ParserVerdict.Ipv6BadPayloadLength;
        readable = Math.Min(readable, end);

        var key = (byte*)meta;
        var first = BinaryPrimitives.ReverseEndianness(*(uint*)ip);
        CopyAddresses(key, ip);
        *(ulong*)(key + Key.Ipv4Src) = 0;

        var walk = new ExtensionWalk { Offset = Ipv6Bytes, Next = ip[6] };
        if (IsExtension(walk.Next))
        {
            var failure = walk.Run(ip, readable);
            if (failure != ParserVerdict.Ok) return failure;
        }

        uint protocol = walk.Next;
        if (protocol == NoNextHeader) walk.Bits |= ExtensionBits.NoNext;
        if (protocol == Esp) walk.Mark(ExtensionBits.Esp, EspRank);
        *(ushort*)(key + Key.Ipv6ExtHdr) = BinaryPrimitives.ReverseEndianness((ushort)walk.Bits);

        var network = protocol | (((first >> 20) & 0xff) << 8) | ((uint)ip[7] << 16) | ((uint)walk.Fragment << 24);
        var flowLabel = (ulong)BinaryPrimitives.ReverseEndianness(first & 0xfffff) << 32;
        var kinds = walk.Fragment == 0 ? PacketKinds.Ipv6 : PacketKinds.Ipv6 | PacketKinds.Fragment;
        var verdict = ParserVerdict.Ok;
        uint ports = 0;
        if ((walk.Fragment & Key.FragLater) != 0 || protocol == NoNextHeader)
        {
            *(ulong*)(key + Key.TcpFlags) = 0;
            meta->Kinds = kinds;
        }
        else
        {
            meta->L4Offset = (ushort)(meta->L3Offset + walk.Offset);
            var l4 = ip + walk.Offset;
            verdict = ParseTransport(l4, readable - walk.Offset, end - walk.Offset, meta, protocol, kinds, out ports);
            if (protocol == Icmpv6 && verdict == ParserVerdict.Ok) verdict = ParseNeighborDiscovery(l4, readable - walk.Offset, key);
        }

        *(ulong*)(key + Key.IpProto) = network | ((ulong)ports << 32);
        *(ulong*)(key + Key.TcpFlags) |= flowLabel;
        meta->Hash = Ipv6Hash(ip, protocol, (meta->Kinds & PacketKinds.Fragment) == 0 && protocol != Icmpv6 ? ports : 0);
        return verdict;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyAddresses(byte* key, byte* ip)
    {
        *(Int128Bytes*)(key + Key.Ipv6Src) = *(Int128Bytes*)(ip + 8);
        *(Int128Bytes*)(key + Key.Ipv6Dst) = *(Int128Bytes*)(ip + 24);
    }

    [InlineArray(2)]
    private struct Int128Bytes
    {
        private ulong _first;
    }

    private static uint Ipv6Hash(byte* ip, uint protocol, uint ports)
    {
        // Each end is folded to one word first; the ends are put in order by that word.
        var source = BitOperations.Crc32C(BitOperations.Crc32C(ports & 0xffff, *(ulong*)(ip + 8)), *(ulong*)(ip + 16));
        var destination = BitOperations.Crc32C(BitOperations.Crc32C(ports >> 16, *(ulong*)(ip + 24)), *(ulong*)(ip + 32));
        return SymmetricHash(source, destination, protocol);
    }

    /// <summary>Target and link-layer options of a neighbour solicitation or advertisement (RFC 4861 4.3, 4.4).</summary>
    private static ParserVerdict ParseNeighborDiscovery(byte* icmp, int readable, byte* key)
    {
        const byte Solicitation = 135, Advertisement = 136, SourceOption = 1, TargetOption = 2;
        if (icmp[0] is not (Solicitation or Advertisement) || icmp[1] != 0) return ParserVerdict.Ok;
        if (readable < 24) return ParserVerdict.NdTruncated;
        *(Int128Bytes*)(key + Key.NdTarget) = *(Int128Bytes*)(icmp + 8);
        var offset = 24;
        for (var i = 0; i < MaxNdOptions && offset < readable; i++)
        {
            if (readable - offset < 8) return ParserVerdict.NdBadOption;
            var option = icmp + offset;
            var bytes = option[1] * 8;
            if (bytes == 0 || bytes > readable - offset) return ParserVerdict.NdBadOption;
            if (option[0] is SourceOption or TargetOption)
            {
                var place = key + (option[0] == SourceOption ? Key.ArpShaNdSll : Key.ArpThaNdTll);
                *(uint*)place = *(uint*)(option + 2);
                *(ushort*)(place + 4) = *(ushort*)(option + 6);
            }

            offset += bytes;
        }

        return ParserVerdict.Ok;
    }
}
