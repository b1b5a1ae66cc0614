using System.Buffers.Binary;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Wire;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Tests.Parse;

/// <summary>What the reference makes of a frame.</summary>
internal sealed record Reference(byte[] Key, int L3Offset, int L4Offset, int Tags, PacketKinds Kinds);

/// <summary>The parser once more, slow and safe, over KernelBypass.Wire's views where their rules are the same.</summary>
internal static class ReferenceParser
{
    /// <summary>The key and offsets of a frame, or null when it is malformed.</summary>
    internal static Reference? Parse(ReadOnlySpan<byte> frame)
    {
        if (!EthernetView.TryParse(frame, out var ethernet)) return null;
        var key = new byte[Key.Bytes];
        ethernet.Destination.Write(key.AsSpan(Key.EthDst));
        ethernet.Source.Write(key.AsSpan(Key.EthSrc));
        Put32(key, Key.InPort, ParseRig.InPort);

        var tags = new List<(ushort Tpid, ushort Tci)>();
        var offset = 14;
        var type = ethernet.EtherType;
        while (type is 0x8100 or 0x88a8)
        {
            if (tags.Count == 4 || frame.Length - offset < 4) return null;
            tags.Add((type, BinaryPrimitives.ReadUInt16BigEndian(frame[offset..])));
            type = BinaryPrimitives.ReadUInt16BigEndian(frame[(offset + 2)..]);
            offset += 4;
        }

        if (tags.Count > 0)
        {
            Put16(key, Key.VlanTci, tags[0].Tci | 0x1000);
            Put16(key, Key.VlanTpid, tags[0].Tpid);
        }

        if (tags.Count > 1)
        {
            Put16(key, Key.InnerVlanTci, tags[1].Tci | 0x1000);
            Put16(key, Key.InnerTpid, tags[1].Tpid);
        }

        Put16(key, Key.EthType, type < 0x600 && type is not (0x0800 or 0x0806) ? 0x05ff : type);
        var result = new Reference(key, offset, 0, Math.Min(2, tags.Count), PacketKinds.None);
        var rest = frame[offset..];
        return type switch
        {
            0x0800 => Ipv4(rest, result),
            0x86dd => Ipv6(rest, result),
            0x0806 => Arp(rest, result),
            _ => result,
        };
    }

    private static Reference? Arp(ReadOnlySpan<byte> bytes, Reference result)
    {
        if (!ArpView.TryParse(bytes, out var arp)) return null;
        Put16(result.Key, Key.ArpOp, arp.Operation);
        Put32(result.Key, Key.Ipv4Src, arp.SenderIp);
        Put32(result.Key, Key.Ipv4Dst, arp.TargetIp);
        arp.SenderMac.Write(result.Key.AsSpan(Key.ArpShaNdSll));
        arp.TargetMac.Write(result.Key.AsSpan(Key.ArpThaNdTll));
        return result with { Kinds = PacketKinds.Arp };
    }

    private static Reference? Ipv4(ReadOnlySpan<byte> bytes, Reference result)
    {
        if (!Ipv4View.TryParse(bytes, out var ip)) return null;
        var key = result.Key;
        Put32(key, Key.Ipv4Src, ip.Source);
        Put32(key, Key.Ipv4Dst, ip.Destination);
        key[Key.IpProto] = ip.Protocol;
        key[Key.IpTos] = (byte)((ip.Dscp << 2) | ip.Ecn);
        key[Key.IpTtl] = ip.Ttl;
        key[Key.IpFrag] = (byte)(!ip.IsFragment ? 0 : ip.FragmentOffset == 0 ? 1 : 3);
        var kinds = PacketKinds.Ipv4 | (ip.IsFragment ? PacketKinds.Fragment : 0);
        if (ip.FragmentOffset != 0) return result with { Kinds = kinds };
        result = result with { L4Offset = result.L3Offset + ip.HeaderLength };
        return Transport(ip.Payload, ip.Protocol, kinds, result);
    }

    private static Reference? Ipv6(ReadOnlySpan<byte> bytes, Reference result)
    {
        if (!Ipv6View.TryParse(bytes, out var ip)) return null;
        var key = result.Key;
        ip.Bytes.Slice(8, 32).CopyTo(key.AsSpan(Key.Ipv6Src));
        key[Key.IpTos] = (byte)((ip.Dscp << 2) | ip.Ecn);
        key[Key.IpTtl] = ip.HopLimit;
        Put32(key, Key.Ipv6FlowLabel, ip.FlowLabel);
        var walk = new ReferenceExtensions(ip.NextHeader);
        if (!walk.Run(ip.Payload)) return null;
        Put16(key, Key.Ipv6ExtHdr, walk.Bits);
        key[Key.IpProto] = walk.Next;
        key[Key.IpFrag] = (byte)walk.Fragment;
        var kinds = PacketKinds.Ipv6 | (walk.Fragment != 0 ? PacketKinds.Fragment : 0);
        if (walk.Fragment == 3 || walk.Next == 59) return result with { Kinds = kinds };
        result = result with { L4Offset = result.L3Offset + 40 + walk.Offset };
        return Transport(ip.Payload[walk.Offset..], walk.Next, kinds, result);
    }

    private static Reference? Transport(ReadOnlySpan<byte> bytes, byte protocol, PacketKinds kinds, Reference result)
    {
        var key = result.Key;
        switch (protocol)
        {
            case 6:
                if (!TcpView.TryParse(bytes, out var tcp)) return null;
                Put16(key, Key.L4Src, tcp.SourcePort);
                Put16(key, Key.L4Dst, tcp.DestinationPort);
                Put16(key, Key.TcpFlags, BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]) & 0xfff);
                return result with { Kinds = kinds | PacketKinds.Tcp };
            case 17:
                UdpView udp;
                var isFragment = kinds.HasFlag(PacketKinds.Fragment);
                if (isFragment ? !UdpView.TryParseTruncated(bytes, out udp, out _) : !UdpView.TryParse(bytes, out udp)) return null;
                Put16(key, Key.L4Src, udp.SourcePort);
                Put16(key, Key.L4Dst, udp.DestinationPort);
                return result with { Kinds = kinds | PacketKinds.Udp };
            case 1 when kinds.HasFlag(PacketKinds.Ipv4):
                if (!Icmpv4View.TryParse(bytes, out _)) return null;
                break;
            case 58 when kinds.HasFlag(PacketKinds.Ipv6):
                if (bytes.Length < Icmpv6View.HeaderLength || !NeighborDiscovery(bytes, key)) return null;
                break;
            default:
                return result with { Kinds = kinds };
        }

        key[Key.L4Src + 1] = bytes[0];
        key[Key.L4Dst + 1] = bytes[1];
        return result with { Kinds = kinds | PacketKinds.Icmp };
    }

    private static bool NeighborDiscovery(ReadOnlySpan<byte> bytes, byte[] key)
    {
        if (bytes[0] is not (135 or 136) || bytes[1] != 0) return true;
        if (!NeighborMessageView.TryParse(bytes, out _, out _)) return false;
        bytes.Slice(8, 16).CopyTo(key.AsSpan(Key.NdTarget));
        var rest = bytes[24..];
        for (var i = 0; i < 16 && !rest.IsEmpty; i++)
        {
            if (rest.Length < 8 || rest[1] == 0 || rest[1] * 8 > rest.Length) return false;
            if (rest[0] == 1) rest.Slice(2, 6).CopyTo(key.AsSpan(Key.ArpShaNdSll));
            if (rest[0] == 2) rest.Slice(2, 6).CopyTo(key.AsSpan(Key.ArpThaNdTll));
            rest = rest[(rest[1] * 8)..];
        }

        return true;
    }

    private static void Put16(byte[] key, int offset, int value) => BinaryPrimitives.WriteUInt16BigEndian(key.AsSpan(offset), (ushort)value);

    private static void Put32(byte[] key, int offset, uint value) => BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(offset), value);
}

/// <summary>IPv6 extension headers by OpenFlow 1.3.5 7.2.3.8, from the list of their types rather than step by step.</summary>
internal sealed class ReferenceExtensions(byte first)
{
    // RFC 2460 4.1's order; 60 (destination options) may stand second and last.
    private static readonly List<byte> s_order = [0, 60, 43, 44, 51, 50, 60];

    internal byte Next { get; private set; } = first;

    internal int Offset { get; private set; }

    internal int Fragment { get; private set; }

    internal int Bits { get; private set; }

    internal bool Run(ReadOnlySpan<byte> payload)
    {
        var seen = new List<byte>();
        while (Next is 0 or 43 or 44 or 51 or 60 && Fragment != 3)
        {
            var rest = payload[Offset..];
            if (seen.Count == 8 || rest.Length < 8) return false;
            var length = Next switch { 44 => 8, 51 => (rest[1] + 2) * 4, _ => (rest[1] + 1) * 8 };
            if (length > rest.Length) return false;
            var field = BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            if (Next == 44 && (field & 0xfff9) != 0) Fragment |= (field & 0xfff8) != 0 ? 3 : 1;
            seen.Add(Next);
            Next = rest[0];
            Offset += length;
        }

        if (Next == 50) seen.Add(50);
        Describe(seen);
        return true;
    }

    private void Describe(List<byte> seen)
    {
        Bits = Next == 59 ? 1 : 0;
        (byte Type, int Bit)[] bits = [(50, 2), (51, 4), (60, 8), (44, 16), (43, 32), (0, 64)];
        foreach (var (type, bit) in bits)
        {
            var count = seen.Count(t => t == type);
            if (count > 0) Bits |= bit;
            if (count > (type == 60 ? 2 : 1)) Bits |= 128;
        }

        var place = 0;
        for (var i = 0; i < seen.Count; i++)
        {
            // Destination options take the early place only while nothing but hop-by-hop came before.
            var at = seen[i] == 60 && place > 0 ? 6 : s_order.IndexOf(seen[i]);
            if (at < place || (seen[i] == 0 && i > 0)) Bits |= 256;
            place = Math.Max(place, at);
        }
    }
}
