using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using KernelBypass.Model.Flows;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Packets;

/// <summary>
/// The packet parser: a frame's bytes to <see cref="PacketMeta"/>. Reads nothing outside the frame, whatever its bytes are, and
/// knows nothing of DPDK.
/// </summary>
/// <remarks>
/// Header bytes go into the key as they come, so loads and stores are raw; constants compared with them are in network order as
/// a little-endian load sees them (<see cref="Raw"/>). KernelBypass runs on little-endian machines only, which the channel's
/// layout demands anyway.
/// </remarks>
public static unsafe partial class Parser
{
    /// <summary>Bytes of an Ethernet header.</summary>
    public const int EthernetBytes = 14;

    /// <summary>Bytes that one VLAN tag adds.</summary>
    public const int TagBytes = 4;

    /// <summary>Most VLAN tags in a frame that is let through.</summary>
    public const int MaxTags = 4;

    /// <summary>eth_type of a frame whose type field is a length (IEEE 802.3; OpenFlow 1.0's 0x05ff).</summary>
    public const ushort NoEtherType = 0x05FF;

    private const int FirstOptionalWord = 7;
    private const int LastWord = 15;
    private const ushort LeastEtherType = 0x0600;

    /// <summary>Parses a frame into <paramref name="meta"/>, whose InPort must be set. Metadata becomes zero.</summary>
    /// <param name="data">First byte of the frame.</param>
    /// <param name="readable">Bytes that may be read at <paramref name="data"/>: the first segment.</param>
    /// <param name="length">Bytes of the whole frame; more than <paramref name="readable"/> when it has several segments.</param>
    /// <param name="meta">Where the result goes. After a verdict other than Ok its key is not to be used.</param>
    /// <param name="neededWords">See <see cref="KeyWordDemand"/>.</param>
    /// <returns>Ok; or what is wrong. With <paramref name="readable"/> under <paramref name="length"/>, a "truncated" verdict
    /// may only mean that a header is in a later segment.</returns>
    public static ParserVerdict Parse(byte* data, int readable, int length, PacketMeta* meta, uint neededWords = KeyWordDemand.All)
    {
        if (readable < EthernetBytes) return ParserVerdict.TruncatedEthernet;
        var words = (ulong*)meta;
        var type = *(ushort*)(data + 12);
        var l3 = EthernetBytes;
        words[0] = *(ulong*)data;
        words[1] = *(uint*)(data + 8) | ((ulong)type << 48);
        words[2] = (ulong)BinaryPrimitives.ReverseEndianness(meta->InPort) << 32;
        words[6] = 0;
        *(uint*)&meta->L3Offset = EthernetBytes;
        *(ushort*)&meta->VlanTags = 0;
        if (type == Raw.Vlan || type == Raw.ServiceVlan)
        {
            l3 = ParseTags(data, readable, meta);
            if (l3 < 0) return l3 == TagsTruncated ? ParserVerdict.VlanTruncated : ParserVerdict.VlanTooManyTags;
            type = *(ushort*)((byte*)meta + Key.EthType);
        }

        // Every body below writes words 3 to 5 and the hash.
        ParserVerdict verdict;
        if (type == Raw.Ipv4)
        {
            if ((neededWords & KeyWordDemand.Optional) != 0) ClearOptionalWords(data, meta);
            return ParseIpv4(data + l3, readable - l3, length - l3, meta);
        }

        ClearOptionalWords(data, meta);
        if (type == Raw.Ipv6)
        {
            verdict = ParseIpv6(data + l3, readable - l3, length - l3, meta);
        }
        else
        {
            verdict = type == Raw.Arp ? ParseArp(data + l3, readable - l3, meta) : ParseOther(meta);
        }

        return verdict;
    }

    private const int TagsTruncated = -1;
    private const int TooManyTags = -2;

    /// <summary>Walks the tags: writes the key's tag fields and eth_type, returns the offset of the payload or a failure.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int ParseTags(byte* data, int readable, PacketMeta* meta)
    {
        var key = (byte*)meta;
        var offset = EthernetBytes;
        var tags = 0;
        var type = *(ushort*)(data + 12);
        for (; type == Raw.Vlan || type == Raw.ServiceVlan; tags++, offset += TagBytes)
        {
            if (tags == MaxTags) return TooManyTags;
            if (readable - offset < TagBytes) return TagsTruncated;
            var tci = (ushort)(*(ushort*)(data + offset) | Raw.VlanPresent);
            if (tags == 0) *(ushort*)(key + Key.VlanTci) = tci;
            if (tags == 1)
            {
                *(ushort*)(key + Key.InnerVlanTci) = tci;
                *(ushort*)(key + Key.InnerTpid) = type;
            }

            type = *(ushort*)(data + offset + 2);
        }

        *(ushort*)(key + Key.EthType) = type;
        meta->VlanTags = (byte)Math.Min(tags, 2);
        meta->L3Offset = (ushort)offset;
        return offset;
    }

    private static void ClearOptionalWords(byte* data, PacketMeta* meta)
    {
        new Span<ulong>((ulong*)meta + FirstOptionalWord, LastWord - FirstOptionalWord + 1).Clear();
        if (meta->VlanTags != 0) *(ushort*)((byte*)meta + Key.VlanTpid) = *(ushort*)(data + 12);
    }

    private static ParserVerdict ParseArp(byte* arp, int readable, PacketMeta* meta)
    {
        if (readable < 28) return ParserVerdict.ArpTruncated;
        if (*(ulong*)arp << 16 != Raw.ArpIpv4OverEthernet << 16) return ParserVerdict.ArpBad;
        var key = (byte*)meta;
        var sender = *(uint*)(arp + 14);
        var target = *(uint*)(arp + 24);
        *(uint*)(key + Key.Ipv4Src) = sender;
        *(uint*)(key + Key.Ipv4Dst) = target;
        *(ulong*)(key + Key.IpProto) = 0;
        *(ulong*)(key + Key.TcpFlags) = (ulong)*(ushort*)(arp + 6) << 16;
        *(uint*)(key + Key.ArpShaNdSll) = *(uint*)(arp + 8);
        *(ushort*)(key + Key.ArpShaNdSll + 4) = *(ushort*)(arp + 12);
        *(uint*)(key + Key.ArpThaNdTll) = *(uint*)(arp + 18);
        *(ushort*)(key + Key.ArpThaNdTll + 4) = *(ushort*)(arp + 22);
        meta->Kinds = PacketKinds.Arp;
        meta->Hash = SymmetricHash(sender, target, Raw.Arp);
        return ParserVerdict.Ok;
    }

    private static ParserVerdict ParseOther(PacketMeta* meta)
    {
        var words = (ulong*)meta;
        var type = (ushort)(words[1] >> 48);
        if (BinaryPrimitives.ReverseEndianness(type) < LeastEtherType)
            *(ushort*)((byte*)meta + Key.EthType) = BinaryPrimitives.ReverseEndianness(NoEtherType);
        words[3] = words[4] = words[5] = 0;
        meta->Kinds = PacketKinds.None;
        meta->Hash = SymmetricHash(words[0] & 0xffff_ffff_ffff, (words[0] >> 48) | ((words[1] & 0xffff_ffff) << 16), type);
        return ParserVerdict.Ok;
    }

    /// <summary>The same for both directions: the ends are put in order before they are mixed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint SymmetricHash(ulong end, ulong otherEnd, uint protocol)
    {
        var low = Math.Min(end, otherEnd);
        var high = Math.Max(end, otherEnd);
        return System.Numerics.BitOperations.Crc32C(System.Numerics.BitOperations.Crc32C(protocol, low), high);
    }

    /// <summary>Network-order constants as a little-endian load sees them.</summary>
    private static class Raw
    {
        internal const ushort Vlan = 0x0081;
        internal const ushort ServiceVlan = 0xA888;
        internal const ushort Ipv4 = 0x0008;
        internal const ushort Ipv6 = 0xDD86;
        internal const ushort Arp = 0x0608;
        internal const ushort VlanPresent = 0x0010;
        internal const ushort FragmentMask = 0xFF3F;
        internal const ushort FragmentOffsetMask = 0xFF1F;
        internal const ushort TcpFlagsMask = 0xFF0F;

        // ar$hrd 1, ar$pro 0x0800, ar$hln 6, ar$pln 4: the first six bytes of an ARP packet.
        internal const ulong ArpIpv4OverEthernet = 0x0000_0406_0008_0100;
    }
}
