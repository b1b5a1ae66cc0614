using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using KernelBypass.Dpdk;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// Writes header fields of a parsed packet, with its checksums, and its VLAN tags. Every method leaves a packet alone that lacks the
/// header in question; the parser has seen to it that the headers stand in the first segment.
/// </summary>
/// <remarks>
/// UDP-Lite and DCCP, whose checksums also cover the addresses, are forwarded with theirs unchanged.
/// </remarks>
internal static unsafe class HeaderRewriter
{
    private const int AddressBytes = 12;
    private const int TciOffset = 14;

    /// <summary>Writes a field (OpenFlow 1.3.5, 5.12, Set-Field).</summary>
    internal static void SetField(byte* data, PacketMeta* meta, ActionOp* op)
    {
        var value = op->Value;
        switch (op->Field)
        {
            case MatchField.EthDst:
                *(uint*)data = *(uint*)value;
                *(ushort*)(data + 4) = *(ushort*)(value + 4);
                break;
            case MatchField.EthSrc:
                *(uint*)(data + 6) = *(uint*)value;
                *(ushort*)(data + 10) = *(ushort*)(value + 4);
                break;
            case MatchField.VlanVid:
                if (meta->VlanTags != 0) SetTci(data, 0xf000, BinaryPrimitives.ReverseEndianness(*(ushort*)value) & 0xfff);
                break;
            case MatchField.VlanPcp:
                if (meta->VlanTags != 0) SetTci(data, 0x1fff, value[0] << 13);
                break;
            case MatchField.IpDscp:
                SetTrafficClass(data, meta, 0x03, value[0] << 2);
                break;
            case MatchField.IpEcn:
                SetTrafficClass(data, meta, 0xfc, value[0]);
                break;
            case MatchField.IpTtl:
                SetTtl(data, meta, value[0]);
                break;
            case MatchField.Ipv4Src or MatchField.Ipv4Dst:
                if ((meta->Kinds & PacketKinds.Ipv4) != 0) SetIpv4Address(data, meta, op);
                break;
            case MatchField.Ipv6Src or MatchField.Ipv6Dst:
                if ((meta->Kinds & PacketKinds.Ipv6) != 0) SetIpv6Address(data, meta, op);
                break;
            case MatchField.TcpSrc or MatchField.UdpSrc:
                SetPort(data, meta, 0, *(ushort*)value);
                break;
            case MatchField.TcpDst or MatchField.UdpDst:
                SetPort(data, meta, 2, *(ushort*)value);
                break;
        }
    }

    /// <summary>Decrements TTL or hop limit; false, and nothing changed, when it would reach zero. True for what is not IP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool TryDecrementTtl(byte* data, PacketMeta* meta)
    {
        var ip = data + meta->L3Offset;
        if ((meta->Kinds & PacketKinds.Ipv4) != 0)
        {
            var old = *(ushort*)(ip + 8);
            if ((byte)old <= 1) return false;
            var now = (ushort)(old - 1);
            *(ushort*)(ip + 8) = now;
            UpdateIpv4(ip, IncrementalUpdate.Of16(old, now));
        }
        else if ((meta->Kinds & PacketKinds.Ipv6) != 0)
        {
            if (ip[7] <= 1) return false;
            ip[7]--;
        }

        return true;
    }

    /// <summary>Pushes a tag with the values of the outermost one, or zero (OpenFlow 1.3.5, 5.12.1). False: no headroom.</summary>
    internal static bool TryPushVlan(Mbuf packet, PacketMeta* meta, ushort tpid)
    {
        var old = packet.Data;
        var tci = meta->VlanTags != 0 ? *(ushort*)(old + TciOffset) : (ushort)0;
        var data = packet.Prepend(Parser.TagBytes);
        if (data == null) return false;
        var first = *(ulong*)old;
        var last = *(uint*)(old + 8);
        *(ulong*)data = first;
        *(uint*)(data + 8) = last;
        *(ushort*)(data + AddressBytes) = BinaryPrimitives.ReverseEndianness(tpid);
        *(ushort*)(data + TciOffset) = tci;
        MoveOffsets(meta, Parser.TagBytes);
        return true;
    }

    /// <summary>Takes the outermost tag away.</summary>
    internal static void PopVlan(Mbuf packet, PacketMeta* meta)
    {
        if (meta->VlanTags == 0) return;
        var old = packet.Data;
        var first = *(ulong*)old;
        var last = *(uint*)(old + 8);
        var data = packet.Adj(Parser.TagBytes);
        *(ulong*)data = first;
        *(uint*)(data + 8) = last;
        MoveOffsets(meta, -Parser.TagBytes);
    }

    private static void MoveOffsets(PacketMeta* meta, int bytes)
    {
        meta->L3Offset = (ushort)(meta->L3Offset + bytes);
        if (meta->L4Offset != 0) meta->L4Offset = (ushort)(meta->L4Offset + bytes);
        meta->VlanTags = (byte)Math.Min(2, (meta->L3Offset - Parser.EthernetBytes) / Parser.TagBytes);
    }

    private static void SetTci(byte* data, int keep, int value)
    {
        int tci = BinaryPrimitives.ReverseEndianness(*(ushort*)(data + TciOffset));
        *(ushort*)(data + TciOffset) = BinaryPrimitives.ReverseEndianness((ushort)((tci & keep) | value));
    }

    private static void SetTrafficClass(byte* data, PacketMeta* meta, int keep, int value)
    {
        var ip = data + meta->L3Offset;
        if ((meta->Kinds & PacketKinds.Ipv4) != 0)
        {
            var old = *(ushort*)ip;
            ip[1] = (byte)((ip[1] & keep) | value);
            UpdateIpv4(ip, IncrementalUpdate.Of16(old, *(ushort*)ip));
        }
        else if ((meta->Kinds & PacketKinds.Ipv6) != 0)
        {
            // Version, traffic class and flow label share the first word (RFC 8200 3).
            int head = BinaryPrimitives.ReverseEndianness(*(ushort*)ip);
            head = (head & 0xf00f) | ((((head >> 4) & keep) | value) << 4);
            *(ushort*)ip = BinaryPrimitives.ReverseEndianness((ushort)head);
        }
    }

    private static void SetTtl(byte* data, PacketMeta* meta, byte value)
    {
        var ip = data + meta->L3Offset;
        if ((meta->Kinds & PacketKinds.Ipv4) != 0)
        {
            var old = *(ushort*)(ip + 8);
            ip[8] = value;
            UpdateIpv4(ip, IncrementalUpdate.Of16(old, *(ushort*)(ip + 8)));
        }
        else if ((meta->Kinds & PacketKinds.Ipv6) != 0)
        {
            ip[7] = value;
        }
    }

    private static void SetIpv4Address(byte* data, PacketMeta* meta, ActionOp* op)
    {
        var ip = data + meta->L3Offset;
        var place = (uint*)(ip + (op->Field == MatchField.Ipv4Src ? 12 : 16));
        var change = IncrementalUpdate.Of32(*place, *(uint*)op->Value);
        *place = *(uint*)op->Value;
        UpdateIpv4(ip, change);
        UpdateL4(data, meta, change);
    }

    private static void SetIpv6Address(byte* data, PacketMeta* meta, ActionOp* op)
    {
        var ip = data + meta->L3Offset;
        var isSource = op->Field == MatchField.Ipv6Src;
        var place = ip + (isSource ? 8 : 24);
        var change = IncrementalUpdate.Of128(place, op->Value);
        Unsafe.CopyBlockUnaligned(place, op->Value, 16);
        if (isSource || !RoutingHeader.IsPending(ip, meta)) UpdateL4(data, meta, change);
    }

    private static void SetPort(byte* data, PacketMeta* meta, int offset, ushort value)
    {
        if (meta->L4Offset == 0 || (meta->Kinds & (PacketKinds.Tcp | PacketKinds.Udp)) == 0) return;
        var place = (ushort*)(data + meta->L4Offset + offset);
        var change = IncrementalUpdate.Of16(*place, value);
        *place = value;
        UpdateL4(data, meta, change);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UpdateIpv4(byte* ip, ulong change) =>
        *(ushort*)(ip + 10) = IncrementalUpdate.Apply(*(ushort*)(ip + 10), change);

    /// <summary>Updates the checksum whose pseudo header or header has changed; there is none in a later fragment.</summary>
    private static void UpdateL4(byte* data, PacketMeta* meta, ulong change)
    {
        if (meta->L4Offset == 0) return;
        var l4 = data + meta->L4Offset;
        if ((meta->Kinds & PacketKinds.Tcp) != 0)
        {
            *(ushort*)(l4 + 16) = IncrementalUpdate.Apply(*(ushort*)(l4 + 16), change);
        }
        else if ((meta->Kinds & PacketKinds.Udp) != 0)
        {
            // RFC 768: zero says "none"; a computed zero is sent as all ones.
            if (*(ushort*)(l4 + 6) == 0) return;
            var checksum = IncrementalUpdate.Apply(*(ushort*)(l4 + 6), change);
            *(ushort*)(l4 + 6) = checksum == 0 ? (ushort)0xffff : checksum;
        }
        else if ((meta->Kinds & (PacketKinds.Icmp | PacketKinds.Ipv6)) == (PacketKinds.Icmp | PacketKinds.Ipv6))
        {
            *(ushort*)(l4 + 2) = IncrementalUpdate.Apply(*(ushort*)(l4 + 2), change);
        }
    }
}
