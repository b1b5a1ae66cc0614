namespace KernelBypass.Model.Flows;

/// <summary>Match fields. The numbers are those of <c>kernelbypass.v1.Field</c> and of the flow codec; never reuse one.</summary>
public enum MatchField : byte
{
    None = 0,
    InPort = 1,
    Metadata = 2,
    EthDst = 3,
    EthSrc = 4,
    EthType = 5,
    VlanVid = 6,
    VlanPcp = 7,
    IpDscp = 8,
    IpEcn = 9,
    IpProto = 10,
    Ipv4Src = 11,
    Ipv4Dst = 12,
    TcpSrc = 13,
    TcpDst = 14,
    UdpSrc = 15,
    UdpDst = 16,
    Icmpv4Type = 17,
    Icmpv4Code = 18,
    ArpOp = 19,
    ArpSpa = 20,
    ArpTpa = 21,
    ArpSha = 22,
    ArpTha = 23,
    Ipv6Src = 24,
    Ipv6Dst = 25,
    Ipv6FlowLabel = 26,
    Icmpv6Type = 27,
    Icmpv6Code = 28,
    NdTarget = 29,
    NdSll = 30,
    NdTll = 31,
    Ipv6ExtHdr = 32,
    TcpFlags = 33,
    IpTtl = 34,
    IpFrag = 35,
    InnerVlanVid = 36,
    InnerVlanPcp = 37,
    VlanTpid = 38,
}

/// <summary>How a field's value is written for people.</summary>
public enum FieldFormat : byte
{
    Number,
    Hex,
    Mac,
    Ipv4,
    Ipv6,
    Port,
    Fragment,
}

/// <summary>One alternative of a field's prerequisites: every listed field must be matched with the value (unmasked).</summary>
/// <param name="EthType">Required eth_type, or 0 for any.</param>
/// <param name="IpProto">Required ip_proto, or -1 for any.</param>
/// <param name="IcmpTypes">Required icmpv6_type values (any one of them), or null for any.</param>
public sealed record Prerequisite(ushort EthType, int IpProto = -1, byte[]? IcmpTypes = null);

/// <summary>The declaration of one match field: everything that the codec, the validator, the help and the parser need.</summary>
/// <param name="Id">Number on the wire.</param>
/// <param name="Name">Name as in OpenFlow's OXM list, lower case.</param>
/// <param name="Bits">Width of a value in bits.</param>
/// <param name="Offset">Byte offset in the flow key (<see cref="FlowKeyLayout"/>).</param>
/// <param name="Shift">Left shift of the value inside its bytes in the key (vlan_pcp stands 13 bits up in the TCI).</param>
/// <param name="KeyBytes">Bytes the field touches in the key.</param>
/// <param name="Maskable">Whether a mask other than all ones is allowed.</param>
/// <param name="Settable">Whether set-field may write it.</param>
/// <param name="Format">How people write a value.</param>
/// <param name="Prerequisites">Alternatives of which one must hold; empty: none needed.</param>
/// <param name="Description">One line for help and reference.</param>
public sealed record MatchFieldDeclaration(
    MatchField Id,
    string Name,
    int Bits,
    int Offset,
    int Shift,
    int KeyBytes,
    bool Maskable,
    bool Settable,
    FieldFormat Format,
    Prerequisite[] Prerequisites,
    string Description)
{
    /// <summary>Bytes of a value on the wire: the width rounded up.</summary>
    public int ValueBytes => (Bits + 7) / 8;
}
