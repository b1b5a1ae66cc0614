namespace KernelBypass.Wire;

public sealed partial class FrameBuilder
{
    private int HeaderLength => EthernetView.HeaderLength + (_tags.Count * VlanTag.Size);

    private int NetworkLength => _network switch
    {
        Network.Arp => ArpView.Length,
        Network.Ipv4 => Ipv4View.MinHeaderLength + ((_networkOptions.Length + 3) & ~3),
        Network.Ipv6 => Ipv6View.HeaderLength + _extensions.Sum(e => e.Bytes.Length),
        _ => 0,
    };

    private int TransportLength => _transport switch
    {
        Transport.Tcp => TcpView.MinHeaderLength + ((_tcpOptions.Length + 3) & ~3),
        Transport.None => 0,
        _ => UdpView.HeaderLength,
    };

    private byte? TransportProtocol => _transport switch
    {
        Transport.Tcp => IpProtocols.Tcp,
        Transport.Udp => IpProtocols.Udp,
        Transport.Icmpv4 => IpProtocols.Icmpv4,
        Transport.Icmpv6 => IpProtocols.Icmpv6,
        _ => null,
    };

    /// <summary>
    /// The frame in an array of its own. Throws <see cref="InvalidOperationException"/> for a transport layer without IP and
    /// <see cref="ArgumentException"/> for what does not fit its length field.
    /// </summary>
    public byte[] Build()
    {
        if (_transport != Transport.None && _network is not (Network.Ipv4 or Network.Ipv6))
            throw new InvalidOperationException("a transport layer needs Ipv4() or Ipv6() before it");
        int packetLength = NetworkLength + TransportLength + _payload.Length;
        byte[] frame = new byte[Math.Max(HeaderLength + packetLength, _minLength)];
        EmitLink(frame);
        Span<byte> packet = frame.AsSpan(HeaderLength, packetLength);
        Span<byte> segment = packet[NetworkLength..];
        _payload.CopyTo(segment[TransportLength..]);
        EmitNetwork(packet, segment.Length);
        EmitTransport(segment);
        return frame;
    }

    private void EmitLink(Span<byte> frame)
    {
        ushort type = _network switch
        {
            Network.Arp => EtherTypes.Arp,
            Network.Ipv4 => EtherTypes.Ipv4,
            Network.Ipv6 => EtherTypes.Ipv6,
            _ => _etherType,
        };
        new EthernetHeader(_destination, _source, _tags.Count > 0 ? _tags[0].Tpid : type).Emit(frame);
        for (int i = 0; i < _tags.Count; i++)
        {
            Span<byte> tag = frame[(EthernetView.HeaderLength + (i * VlanTag.Size))..];
            BigEndian.U16(tag, 0, _tags[i].Tci);
            BigEndian.U16(tag, 2, i + 1 < _tags.Count ? _tags[i + 1].Tpid : type);
        }
    }

    private void EmitNetwork(Span<byte> packet, int segmentLength)
    {
        switch (_network)
        {
            case Network.Arp:
                _arp.Emit(packet);
                break;
            case Network.Ipv4:
                Ipv4Header ipv4 = _ipv4 with { Protocol = TransportProtocol ?? _ipv4.Protocol };
                ipv4.Emit(packet, segmentLength, _networkOptions);
                break;
            case Network.Ipv6:
                EmitIpv6(packet);
                break;
        }
    }

    private void EmitIpv6(Span<byte> packet)
    {
        byte last = TransportProtocol ?? (_ipv6.NextHeader == IpProtocols.HopByHop ? IpProtocols.NoNextHeader : _ipv6.NextHeader);
        Ipv6Header header = _ipv6 with { NextHeader = _extensions.Count > 0 ? _extensions[0].Type : last };
        int offset = header.Emit(packet, packet.Length - Ipv6View.HeaderLength);
        for (int i = 0; i < _extensions.Count; i++)
        {
            _extensions[i].Bytes.CopyTo(packet[offset..]);
            packet[offset] = i + 1 < _extensions.Count ? _extensions[i + 1].Type : last;
            offset += _extensions[i].Bytes.Length;
        }
    }

    private void EmitTransport(Span<byte> segment)
    {
        uint pseudo = TransportProtocol is not byte protocol ? 0
            : _network == Network.Ipv6 ? PseudoHeader.Sum(_ipv6.Source, _ipv6.Destination, protocol, segment.Length)
            : PseudoHeader.Sum(_ipv4.Source, _ipv4.Destination, protocol, segment.Length);
        switch (_transport)
        {
            case Transport.Tcp:
                _tcp.Emit(segment, _tcpOptions);
                if (MutableTcpView.TryParse(segment, out MutableTcpView tcp))
                    tcp.FillChecksum(pseudo);
                break;
            case Transport.Udp:
                _udp.Emit(segment, _payload.Length);
                if (_udpChecksum && MutableUdpView.TryParse(segment, out MutableUdpView udp))
                    udp.FillChecksum(pseudo);
                break;
            case Transport.Icmpv4:
                _icmp.Emit(segment);
                if (MutableIcmpv4View.TryParse(segment, out MutableIcmpv4View icmpv4))
                    icmpv4.FillChecksum();
                break;
            case Transport.Icmpv6:
                _icmp.Emit(segment);
                if (MutableIcmpv6View.TryParse(segment, out MutableIcmpv6View icmpv6))
                    icmpv6.FillChecksum(pseudo);
                break;
        }
    }
}
