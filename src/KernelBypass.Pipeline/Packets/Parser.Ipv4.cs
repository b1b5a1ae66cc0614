using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Packets;

public static unsafe partial class Parser
{
    private const int Ipv4Bytes = 20;
    private const byte Tcp = 6;
    private const byte Udp = 17;
    private const byte Icmpv4 = 1;
    private const byte Icmpv6 = 58;

    private static ParserVerdict ParseIpv4(byte* ip, int readable, int length, PacketMeta* meta)
    {
        if (readable < Ipv4Bytes) return ParserVerdict.Ipv4Truncated;
        var header = Ipv4Bytes;
        if (ip[0] != 0x45)
        {
            if (ip[0] >> 4 != 4) return ParserVerdict.Ipv4BadVersion;
            header = (ip[0] & 0xf) * 4;
            if (header < Ipv4Bytes || header > readable) return ParserVerdict.Ipv4BadHeaderLength;
        }

        int total = BinaryPrimitives.ReverseEndianness(*(ushort*)(ip + 2));
        if (total < header || total > length) return ParserVerdict.Ipv4BadTotalLength;

        var words = (ulong*)meta;
        var addresses = *(ulong*)(ip + 12);
        words[3] = addresses;
        uint protocol = ip[9];
        var network = protocol | ((uint)ip[1] << 8) | ((uint)ip[8] << 16);
        var kinds = PacketKinds.Ipv4;
        uint fragment = *(ushort*)(ip + 6);
        if ((fragment & Raw.FragmentMask) != 0)
        {
            kinds |= PacketKinds.Fragment;
            network |= (uint)FlowKeyLayout.FragAny << 24;
            if ((fragment & Raw.FragmentOffsetMask) != 0)
            {
                words[4] = network | ((ulong)FlowKeyLayout.FragLater << 24);
                words[5] = 0;
                meta->Kinds = kinds;
                meta->Hash = SymmetricHash((uint)addresses, addresses >> 32, protocol);
                return ParserVerdict.Ok;
            }
        }

        meta->L4Offset = (ushort)(meta->L3Offset + header);
        var verdict = ParseTransport(ip + header, Math.Min(readable, total) - header, total - header, meta, protocol, kinds, out var ports);
        words[4] = network | ((ulong)ports << 32);

        // The fragments of a datagram must meet on one lcore, and only the first has ports.
        ulong hashed = (kinds & PacketKinds.Fragment) != 0 || (meta->Kinds & (PacketKinds.Tcp | PacketKinds.Udp)) == 0 ? 0 : ports;
        var source = (addresses & 0xffff_ffff) | ((hashed & 0xffff) << 32);
        var destination = (addresses >> 32) | ((hashed >> 16) << 32);
        meta->Hash = SymmetricHash(source, destination, protocol);
        return verdict;
    }

    /// <summary>Reads the L4 header: its word of ports (or ICMP type and code), word 5's TCP flags, and the kinds.</summary>
    /// <param name="l4">First byte.</param>
    /// <param name="readable">Bytes that may be read.</param>
    /// <param name="length">Bytes of L4 that the IP header promises, in this fragment.</param>
    /// <param name="meta">Where kinds and word 5 go.</param>
    /// <param name="protocol">IP protocol; an ICMP of the other IP version counts as unknown.</param>
    /// <param name="kinds">What is known so far.</param>
    /// <param name="ports">Bytes 36 to 39 of the key.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ParserVerdict ParseTransport(
        byte* l4, int readable, int length, PacketMeta* meta, uint protocol, PacketKinds kinds, out uint ports)
    {
        var word5 = (ulong*)meta + 5;
        ports = 0;
        *word5 = 0;
        if (protocol == Tcp)
        {
            if (readable < 20) return ParserVerdict.TcpTruncated;
            var header = (l4[12] >> 4) * 4;
            if (header < 20 || header > length) return ParserVerdict.TcpBadDataOffset;
            ports = *(uint*)l4;
            *word5 = *(ushort*)(l4 + 12) & (uint)Raw.TcpFlagsMask;
            kinds |= PacketKinds.Tcp;
        }
        else if (protocol == Udp)
        {
            if (readable < 8) return ParserVerdict.UdpTruncated;
            var datagram = BinaryPrimitives.ReverseEndianness(*(ushort*)(l4 + 4));
            if (datagram < 8 || (datagram > length && (kinds & PacketKinds.Fragment) == 0)) return ParserVerdict.UdpBadLength;
            ports = *(uint*)l4;
            kinds |= PacketKinds.Udp;
        }
        else if (protocol == ((kinds & PacketKinds.Ipv4) != 0 ? Icmpv4 : Icmpv6))
        {
            if (readable < (protocol == Icmpv4 ? 8 : 4)) return ParserVerdict.IcmpTruncated;
            ports = ((uint)l4[0] << 8) | ((uint)l4[1] << 24);
            kinds |= PacketKinds.Icmp;
        }

        meta->Kinds = kinds;
        return ParserVerdict.Ok;
    }
}
