using System.Buffers.Binary;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Wire;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>
/// A second parser, slow and plain, written over the Wire views: what the Pipeline's pointer-based one must find in a frame,
/// field by field of the flow key (see <see cref="FlowKeyLayout"/>).
/// </summary>
internal ref struct ReferenceParser
{
    private const int MaxTags = 4;
    private const int MaxExtensions = 8;
    private const int MaxNdOptions = 16;

    private readonly ReadOnlySpan<byte> _frame;
    private readonly Span<byte> _key;

    internal ReferenceParser(ReadOnlySpan<byte> frame, uint inPort, Span<byte> key)
    {
        _frame = frame;
        _key = key;
        key.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(key[Key.InPort..], inPort);
    }

    /// <summary>What is known of the packet, as in <see cref="PacketMeta"/>.</summary>
    internal PacketKinds Kinds { get; private set; }

    internal int L3Offset { get; private set; }

    internal int L4Offset { get; private set; }

    internal int Tags { get; private set; }

    /// <summary>Whether the frame is well-formed, as far as the switch looks.</summary>
    internal bool Run()
    {
        if (!EthernetView.TryParse(_frame, out EthernetView ethernet))
            return false;
        ethernet.Destination.Write(_key[Key.EthDst..]);
        ethernet.Source.Write(_key[Key.EthSrc..]);
        ushort type = ethernet.EtherType;
        L3Offset = EthernetView.HeaderLength;
        int tags = 0;
        for (; type is EtherTypes.Vlan or EtherTypes.QinQ; tags++, L3Offset += VlanTag.Size)
        {
            if (tags == MaxTags || _frame.Length - L3Offset < VlanTag.Size)
                return false;
            if (tags < 2)
            {
                Put(tags == 0 ? Key.VlanTci : Key.InnerVlanTci, Word(_frame, L3Offset) | Key.VlanPresent);
                Put(tags == 0 ? Key.VlanTpid : Key.InnerTpid, type);
            }
            type = (ushort)Word(_frame, L3Offset + 2);
        }
        Tags = Math.Min(tags, 2);
        Put(Key.EthType, type < EtherTypes.Minimum ? Parser.NoEtherType : type);
        ReadOnlySpan<byte> packet = _frame[L3Offset..];
        return type switch
        {
            EtherTypes.Ipv4 => Ipv4(packet),
            EtherTypes.Ipv6 => Ipv6(packet),
            EtherTypes.Arp => Arp(packet),
            _ => true,
        };
    }

    private static int Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);

    private readonly void Put(int offset, int value) => BinaryPrimitives.WriteUInt16BigEndian(_key[offset..], (ushort)value);

    private bool Arp(ReadOnlySpan<byte> packet)
    {
        if (!ArpView.TryParse(packet, out ArpView arp))
            return false;
        Kinds = PacketKinds.Arp;
        Put(Key.ArpOp, arp.Operation);
        BinaryPrimitives.WriteUInt32BigEndian(_key[Key.Ipv4Src..], arp.SenderIp);
        BinaryPrimitives.WriteUInt32BigEndian(_key[Key.Ipv4Dst..], arp.TargetIp);
        arp.SenderMac.Write(_key[Key.ArpShaNdSll..]);
        arp.TargetMac.Write(_key[Key.ArpThaNdTll..]);
        return true;
    }

    private bool Ipv4(ReadOnlySpan<byte> packet)
    {
        if (!Ipv4View.TryParse(packet, out Ipv4View ip))
            return false;
        Kinds = PacketKinds.Ipv4;
        BinaryPrimitives.WriteUInt32BigEndian(_key[Key.Ipv4Src..], ip.Source);
        BinaryPrimitives.WriteUInt32BigEndian(_key[Key.Ipv4Dst..], ip.Destination);
        Network(ip.Protocol, (ip.Dscp << 2) | ip.Ecn, ip.Ttl, ip.IsFragment, ip.FragmentOffset > 0);
        if (ip.FragmentOffset > 0)
            return true;
        L4Offset = L3Offset + ip.HeaderLength;
        return Transport(ip.Protocol, ip.Payload, IpProtocols.Icmpv4, leastIcmp: 8);
    }

    private bool Ipv6(ReadOnlySpan<byte> packet)
    {
        if (!Ipv6View.TryParse(packet, out Ipv6View ip))
            return false;
        Kinds = PacketKinds.Ipv6;
        BinaryPrimitives.WriteUInt128BigEndian(_key[Key.Ipv6Src..], ip.Source);
        BinaryPrimitives.WriteUInt128BigEndian(_key[Key.Ipv6Dst..], ip.Destination);
        BinaryPrimitives.WriteUInt32BigEndian(_key[Key.Ipv6FlowLabel..], ip.FlowLabel);
        byte next = ip.NextHeader;
        int offset = 0, bits = 0;
        bool any = false, later = false;
        for (int count = 0; Ipv6Extensions.IsExtension(next) && !later; count++)
        {
            ReadOnlySpan<byte> rest = ip.Payload[offset..];
            if (count == MaxExtensions || rest.Length < 8)
                return false;
            int length = next switch
            {
                IpProtocols.Fragment => 8,
                IpProtocols.Authentication => (rest[1] + 2) * 4,
                _ => (rest[1] + 1) * 8,
            };
            if (length > rest.Length)
                return false;
            if (next == IpProtocols.Fragment)
            {
                int field = Word(rest, 2);
                later |= (field & 0xFFF8) != 0;
                any |= later || (field & 1) != 0;
            }
            bits |= Bit(next);
            next = rest[0];
            offset += length;
        }
        Put(Key.Ipv6ExtHdr, bits | (Ipv6Extensions.IsExtension(next) ? 0 : Bit(next)));
        Network(next, (ip.Dscp << 2) | ip.Ecn, ip.HopLimit, any, later);
        if (later || next == IpProtocols.NoNextHeader)
            return true;
        L4Offset = L3Offset + Ipv6View.HeaderLength + offset;
        ReadOnlySpan<byte> segment = ip.Payload[offset..];
        return Transport(next, segment, IpProtocols.Icmpv6, leastIcmp: 4)
            && (next != IpProtocols.Icmpv6 || NeighborDiscovery(segment));
    }

    // OFPIEH_* without the two bits that judge the order, which are the Pipeline's own tests' matter.
    private static int Bit(byte next) => next switch
    {
        IpProtocols.NoNextHeader => 1,
        IpProtocols.Esp => 2,
        IpProtocols.Authentication => 4,
        IpProtocols.DestinationOptions => 8,
        IpProtocols.Fragment => 16,
        IpProtocols.Routing => 32,
        IpProtocols.HopByHop => 64,
        _ => 0,
    };

    private void Network(byte protocol, int tos, byte ttl, bool fragment, bool later)
    {
        _key[Key.IpProto] = protocol;
        _key[Key.IpTos] = (byte)tos;
        _key[Key.IpTtl] = ttl;
        _key[Key.IpFrag] = (byte)((fragment ? Key.FragAny : 0) | (later ? Key.FragLater : 0));
        Kinds |= fragment ? PacketKinds.Fragment : 0;
    }

    private bool Transport(byte protocol, ReadOnlySpan<byte> segment, byte icmp, int leastIcmp)
    {
        if (protocol == IpProtocols.Tcp)
        {
            if (!TcpView.TryParse(segment, out TcpView tcp))
                return false;
            Kinds |= PacketKinds.Tcp;
            Put(Key.L4Src, tcp.SourcePort);
            Put(Key.L4Dst, tcp.DestinationPort);
            Put(Key.TcpFlags, Word(segment, 12) & 0xFFF);
        }
        else if (protocol == IpProtocols.Udp)
        {
            // A first fragment carries the length of the whole datagram.
            bool ok = (Kinds & PacketKinds.Fragment) != 0
                ? UdpView.TryParseTruncated(segment, out UdpView udp, out _)
                : UdpView.TryParse(segment, out udp);
            if (!ok)
                return false;
            Kinds |= PacketKinds.Udp;
            Put(Key.L4Src, udp.SourcePort);
            Put(Key.L4Dst, udp.DestinationPort);
        }
        else if (protocol == icmp)
        {
            if (segment.Length < leastIcmp)
                return false;
            Kinds |= PacketKinds.Icmp;
            Put(Key.L4Src, segment[0]);
            Put(Key.L4Dst, segment[1]);
        }
        return true;
    }

    private readonly bool NeighborDiscovery(ReadOnlySpan<byte> message)
    {
        if (message[0] is not (Icmpv6Types.NeighborSolicitation or Icmpv6Types.NeighborAdvertisement) || message[1] != 0)
            return true;
        if (!NeighborMessageView.TryParse(message, out NeighborMessageView view, out _))
            return false;
        BinaryPrimitives.WriteUInt128BigEndian(_key[Key.NdTarget..], view.Target);
        ReadOnlySpan<byte> options = message[NeighborMessageView.HeaderLength..];
        for (int i = 0; i < MaxNdOptions && !options.IsEmpty; i++)
        {
            if (options.Length < 8 || options[1] == 0 || options[1] * 8 > options.Length)
                return false;
            if (options[0] is 1 or 2)
                options.Slice(2, 6).CopyTo(_key[(options[0] == 1 ? Key.ArpShaNdSll : Key.ArpThaNdTll)..]);
            options = options[(options[1] * 8)..];
        }
        return true;
    }
}
