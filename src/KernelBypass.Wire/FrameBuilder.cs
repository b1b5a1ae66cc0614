using System.Text;

namespace KernelBypass.Wire;

/// <summary>
/// Builds whole frames with right lengths, types and checksums, for tests, benchmarks and traffic tools:
/// <code>
/// byte[] frame = FrameBuilder.Ethernet("02:00:00:00:00:02", "02:00:00:00:00:01")
///     .Vlan(100).Ipv4("10.0.0.1", "10.0.0.2").Udp(1000, 53).Payload("hello").Build();
/// </code>
/// A later call of one layer replaces an earlier one; tags and extension headers add up. It allocates, and is not for the
/// packet path.
/// </summary>
public sealed partial class FrameBuilder
{
    /// <summary>Bytes of the shortest Ethernet frame, without FCS.</summary>
    public const int MinFrameLength = 60;

    private enum Network
    {
        None,
        Arp,
        Ipv4,
        Ipv6,
    }

    private enum Transport
    {
        None,
        Tcp,
        Udp,
        Icmpv4,
        Icmpv6,
    }

    private readonly List<VlanTag> _tags = [];
    private readonly List<Extension> _extensions = [];
    private readonly MacAddress _destination;
    private readonly MacAddress _source;
    private ushort _etherType = EtherTypes.Minimum;
    private Network _network;
    private Transport _transport;
    private ArpMessage _arp;
    private Ipv4Header _ipv4;
    private Ipv6Header _ipv6;
    private TcpHeader _tcp;
    private UdpHeader _udp;
    private IcmpHeader _icmp;
    private byte[] _networkOptions = [];
    private byte[] _tcpOptions = [];
    private byte[] _payload = [];
    private bool _udpChecksum = true;
    private int _minLength;

    private FrameBuilder(MacAddress destination, MacAddress source)
    {
        _destination = destination;
        _source = source;
    }

    private readonly record struct Extension(byte Type, byte[] Bytes);

    /// <summary>Starts a frame.</summary>
    public static FrameBuilder Ethernet(MacAddress destination, MacAddress source) => new(destination, source);

    /// <summary>Starts a frame; addresses as 02:00:00:00:00:01.</summary>
    public static FrameBuilder Ethernet(string destination, string source) =>
        new(MacAddress.Parse(destination), MacAddress.Parse(source));

    /// <summary>Adds a tag inside those added before.</summary>
    public FrameBuilder Vlan(int id, int priority = 0, bool dropEligible = false, ushort tpid = EtherTypes.Vlan)
    {
        _tags.Add(new VlanTag(tpid, id, priority, dropEligible));
        return this;
    }

    /// <summary>The type of a frame whose payload is neither ARP nor IP.</summary>
    public FrameBuilder EtherType(ushort value)
    {
        _network = Network.None;
        _etherType = value;
        return this;
    }

    /// <summary>An ARP message.</summary>
    public FrameBuilder Arp(ArpMessage message)
    {
        _network = Network.Arp;
        _arp = message;
        return this;
    }

    /// <summary>An IPv4 header of text addresses.</summary>
    public FrameBuilder Ipv4(string source, string destination, byte ttl = 64) => Ipv4(new Ipv4Header
    {
        Source = AddressText.ParseIpv4(source),
        Destination = AddressText.ParseIpv4(destination),
        Ttl = ttl,
    });

    /// <summary>An IPv4 header; its protocol counts only when no transport layer is added. Options are padded.</summary>
    public FrameBuilder Ipv4(Ipv4Header header, ReadOnlySpan<byte> options = default)
    {
        _network = Network.Ipv4;
        _ipv4 = header;
        _networkOptions = options.ToArray();
        return this;
    }

    /// <summary>An IPv6 header of text addresses.</summary>
    public FrameBuilder Ipv6(string source, string destination, byte hopLimit = 64) => Ipv6(new Ipv6Header
    {
        Source = AddressText.ParseIpv6(source),
        Destination = AddressText.ParseIpv6(destination),
        HopLimit = hopLimit,
    });

    /// <summary>
    /// An IPv6 header; its next header counts only when no transport layer is added, and names what follows the extension
    /// headers. 0, which would be hop-by-hop, is written as 59, no next header.
    /// </summary>
    public FrameBuilder Ipv6(Ipv6Header header)
    {
        _network = Network.Ipv6;
        _ipv6 = header;
        return this;
    }

    /// <summary>
    /// An extension header after those added before. <paramref name="body"/> is what follows next header and length; it is padded
    /// with zeros (Pad1 options) to a multiple of 8 in all.
    /// </summary>
    public FrameBuilder Ipv6Extension(byte type, ReadOnlySpan<byte> body)
    {
        if (!Ipv6Extensions.IsExtension(type) || type == IpProtocols.Fragment)
            throw new ArgumentException($"{type} is not an extension header with a length field", nameof(type));
        byte[] bytes = new byte[(body.Length + 2 + 7) & ~7];
        bytes[1] = (byte)(type == IpProtocols.Authentication ? (bytes.Length / 4) - 2 : (bytes.Length / 8) - 1);
        body.CopyTo(bytes.AsSpan(2));
        _extensions.Add(new Extension(type, bytes));
        return this;
    }

    /// <summary>A fragment header; the offset in bytes, a multiple of 8.</summary>
    public FrameBuilder Ipv6Fragment(int offset, bool more, uint id)
    {
        byte[] bytes = new byte[8];
        BigEndian.U16(bytes, 2, (ushort)((offset & 0xFFF8) | (more ? 1 : 0)));
        BigEndian.U32(bytes, 4, id);
        _extensions.Add(new Extension(IpProtocols.Fragment, bytes));
        return this;
    }

    /// <summary>A TCP header.</summary>
    public FrameBuilder Tcp(ushort sourcePort, ushort destinationPort, TcpFlags flags = TcpFlags.Ack, uint sequence = 1) =>
        Tcp(new TcpHeader { SourcePort = sourcePort, DestinationPort = destinationPort, Flags = flags, Sequence = sequence });

    /// <summary>A TCP header with options, which are padded.</summary>
    public FrameBuilder Tcp(TcpHeader header, ReadOnlySpan<byte> options = default)
    {
        _transport = Transport.Tcp;
        _tcp = header;
        _tcpOptions = options.ToArray();
        return this;
    }

    /// <summary>A UDP header. Without a checksum the field is 0, which only IPv4 allows.</summary>
    public FrameBuilder Udp(ushort sourcePort, ushort destinationPort, bool checksum = true)
    {
        _transport = Transport.Udp;
        _udp = new UdpHeader(sourcePort, destinationPort);
        _udpChecksum = checksum;
        return this;
    }

    /// <summary>An ICMP message; the payload is its data.</summary>
    public FrameBuilder Icmpv4(IcmpHeader header)
    {
        _transport = Transport.Icmpv4;
        _icmp = header;
        return this;
    }

    /// <summary>An ICMPv6 message; the payload is what follows its first 8 bytes.</summary>
    public FrameBuilder Icmpv6(IcmpHeader header)
    {
        _transport = Transport.Icmpv6;
        _icmp = header;
        return this;
    }

    /// <summary>The payload's bytes.</summary>
    public FrameBuilder Payload(ReadOnlySpan<byte> bytes)
    {
        _payload = bytes.ToArray();
        return this;
    }

    /// <summary>A payload of ASCII text.</summary>
    public FrameBuilder Payload(string text) => Payload(Encoding.ASCII.GetBytes(text));

    /// <summary>A payload of so many bytes, counting up from 0 and over from 255.</summary>
    public FrameBuilder PayloadLength(int length)
    {
        _payload = new byte[length];
        for (int i = 0; i < length; i++)
            _payload[i] = (byte)i;
        return this;
    }

    /// <summary>Zeros after the packet up to a frame of this length: 60 for what a NIC would send.</summary>
    public FrameBuilder PadTo(int length = MinFrameLength)
    {
        _minLength = length;
        return this;
    }
}
