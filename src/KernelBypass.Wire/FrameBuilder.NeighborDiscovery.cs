namespace KernelBypass.Wire;

public sealed partial class FrameBuilder
{
    /// <summary>A neighbor solicitation (RFC 4861 4.3), with the sender's link-layer address when given.</summary>
    public FrameBuilder NeighborSolicitation(UInt128 target, MacAddress? sourceLinkLayer = null) =>
        Icmpv6(new IcmpHeader(Icmpv6Types.NeighborSolicitation, 0, 0))
            .Payload(TargetAndOption(target, NdOptionType.SourceLinkLayerAddress, sourceLinkLayer));

    /// <summary>A neighbor advertisement (RFC 4861 4.4), with the target's link-layer address when given.</summary>
    public FrameBuilder NeighborAdvertisement(
        UInt128 target, MacAddress? targetLinkLayer = null, bool router = false, bool solicited = true, bool overrides = true)
    {
        uint flags = (router ? 0x8000_0000 : 0) | (solicited ? 0x4000_0000u : 0) | (overrides ? 0x2000_0000u : 0);
        return Icmpv6(new IcmpHeader(Icmpv6Types.NeighborAdvertisement, 0, flags))
            .Payload(TargetAndOption(target, NdOptionType.TargetLinkLayerAddress, targetLinkLayer));
    }

    /// <summary>A router solicitation (RFC 4861 4.1), with the sender's link-layer address when given.</summary>
    public FrameBuilder RouterSolicitation(MacAddress? sourceLinkLayer = null) =>
        Icmpv6(new IcmpHeader(Icmpv6Types.RouterSolicitation, 0, 0))
            .Payload(LinkLayerOption(NdOptionType.SourceLinkLayerAddress, sourceLinkLayer));

    /// <summary>
    /// A router advertisement (RFC 4861 4.2): lifetime in seconds; link-layer address, MTU and prefix when given.
    /// </summary>
    public FrameBuilder RouterAdvertisement(
        byte hopLimit, ushort lifetimeSeconds, MacAddress? sourceLinkLayer = null, uint? mtu = null, NdPrefix? prefix = null)
    {
        byte[] times = new byte[8];
        byte[] body =
        [
            .. times,
            .. LinkLayerOption(NdOptionType.SourceLinkLayerAddress, sourceLinkLayer),
            .. MtuOption(mtu),
            .. PrefixOption(prefix),
        ];
        return Icmpv6(new IcmpHeader(Icmpv6Types.RouterAdvertisement, 0, ((uint)hopLimit << 24) | lifetimeSeconds)).Payload(body);
    }

    private static byte[] TargetAndOption(UInt128 target, NdOptionType type, MacAddress? address)
    {
        byte[] bytes = new byte[16];
        BigEndian.U128(bytes, 0, target);
        return [.. bytes, .. LinkLayerOption(type, address)];
    }

    private static byte[] LinkLayerOption(NdOptionType type, MacAddress? address)
    {
        if (address is not MacAddress mac)
            return [];
        byte[] option = new byte[8];
        option[0] = (byte)type;
        option[1] = 1;
        mac.Write(option.AsSpan(2));
        return option;
    }

    private static byte[] MtuOption(uint? mtu)
    {
        if (mtu is not uint value)
            return [];
        byte[] option = new byte[8];
        option[0] = (byte)NdOptionType.Mtu;
        option[1] = 1;
        BigEndian.U32(option, 4, value);
        return option;
    }

    private static byte[] PrefixOption(NdPrefix? prefix)
    {
        if (prefix is not NdPrefix value)
            return [];
        byte[] option = new byte[32];
        option[0] = (byte)NdOptionType.PrefixInformation;
        option[1] = 4;
        option[2] = value.Length;
        option[3] = (byte)((value.OnLink ? 0x80 : 0) | (value.Autonomous ? 0x40 : 0));
        BigEndian.U32(option, 4, value.ValidLifetimeSeconds);
        BigEndian.U32(option, 8, value.PreferredLifetimeSeconds);
        BigEndian.U128(option, 16, value.Prefix);
        return option;
    }
}
