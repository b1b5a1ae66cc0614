namespace KernelBypass.Wire;

/// <summary>
/// A read-only view of ARP for IPv4 over Ethernet (RFC 826).
/// <code>
///  0       2       4    5    6       8          14       18         24       28
///  +-------+-------+----+----+-------+----------+--------+----------+--------+
///  | hrd 1 |0x0800 | 6  | 4  |  op   |sender MAC|sender IP|target MAC|target IP
///  +-------+-------+----+----+-------+----------+--------+----------+--------+
/// </code>
/// </summary>
public readonly ref struct ArpView
{
    /// <summary>Bytes of the message.</summary>
    public const int Length = 28;

    /// <summary>Operation: who has.</summary>
    public const ushort Request = 1;

    /// <summary>Operation: is at.</summary>
    public const ushort Reply = 2;

    internal const ulong EthernetIpv4 = 0x0001_0800_0604;
    internal const int OperationOffset = 6;
    internal const int SenderMacOffset = 8;
    internal const int SenderIpOffset = 14;
    internal const int TargetMacOffset = 18;
    internal const int TargetIpOffset = 24;

    private readonly ReadOnlySpan<byte> _bytes;

    private ArpView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>1 request, 2 reply; others are passed as they are.</summary>
    public ushort Operation => BigEndian.U16(_bytes, OperationOffset);

    /// <summary>Sender's hardware address.</summary>
    public MacAddress SenderMac => MacAddress.Read(_bytes[SenderMacOffset..]);

    /// <summary>Sender's IPv4 address, host order.</summary>
    public uint SenderIp => BigEndian.U32(_bytes, SenderIpOffset);

    /// <summary>Target's hardware address; zero in a request.</summary>
    public MacAddress TargetMac => MacAddress.Read(_bytes[TargetMacOffset..]);

    /// <summary>Target's IPv4 address, host order.</summary>
    public uint TargetIp => BigEndian.U32(_bytes, TargetIpOffset);

    /// <summary>Checks length and the four format fields.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ArpView view) => TryParse(bytes, out view, out _);

    /// <summary>Errors: <see cref="ParseError.TruncatedArp"/>, <see cref="ParseError.UnsupportedArp"/>.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out ArpView view, out ParseError error)
    {
        view = default;
        error = bytes.Length < Length ? ParseError.TruncatedArp
            : BigEndian.U64(bytes, 0) >> 16 != EthernetIpv4 ? ParseError.UnsupportedArp
            : ParseError.None;
        if (error != ParseError.None)
            return false;
        view = new ArpView(bytes[..Length]);
        return true;
    }
}

/// <summary>A view of ARP whose fields can be set.</summary>
public readonly ref struct MutableArpView
{
    private readonly Span<byte> _bytes;

    private MutableArpView(Span<byte> bytes) => _bytes = bytes;

    /// <summary>Checks as <see cref="ArpView"/> does.</summary>
    public static bool TryParse(Span<byte> bytes, out MutableArpView view)
    {
        bool ok = ArpView.TryParse(bytes, out _);
        view = ok ? new MutableArpView(bytes[..ArpView.Length]) : default;
        return ok;
    }

    /// <summary>Sets the operation.</summary>
    public void SetOperation(ushort value) => BigEndian.U16(_bytes, ArpView.OperationOffset, value);

    /// <summary>Sets the sender's hardware address.</summary>
    public void SetSenderMac(MacAddress value) => value.Write(_bytes[ArpView.SenderMacOffset..]);

    /// <summary>Sets the sender's IPv4 address, host order.</summary>
    public void SetSenderIp(uint value) => BigEndian.U32(_bytes, ArpView.SenderIpOffset, value);

    /// <summary>Sets the target's hardware address.</summary>
    public void SetTargetMac(MacAddress value) => value.Write(_bytes[ArpView.TargetMacOffset..]);

    /// <summary>Sets the target's IPv4 address, host order.</summary>
    public void SetTargetIp(uint value) => BigEndian.U32(_bytes, ArpView.TargetIpOffset, value);
}

/// <summary>An ARP message as a plain value; addresses in host order.</summary>
/// <param name="Operation">1 request, 2 reply.</param>
/// <param name="SenderMac">Sender's hardware address.</param>
/// <param name="SenderIp">Sender's IPv4 address.</param>
/// <param name="TargetMac">Target's hardware address.</param>
/// <param name="TargetIp">Target's IPv4 address.</param>
public readonly record struct ArpMessage(
    ushort Operation, MacAddress SenderMac, uint SenderIp, MacAddress TargetMac, uint TargetIp)
{
    /// <summary>The value of a checked view.</summary>
    public static ArpMessage From(ArpView view) =>
        new(view.Operation, view.SenderMac, view.SenderIp, view.TargetMac, view.TargetIp);

    /// <summary>Writes <see cref="ArpView.Length"/> bytes and returns that number.</summary>
    public int Emit(Span<byte> bytes)
    {
        BigEndian.U64(bytes, 0, (ArpView.EthernetIpv4 << 16) | Operation);
        SenderMac.Write(bytes[ArpView.SenderMacOffset..]);
        BigEndian.U32(bytes, ArpView.SenderIpOffset, SenderIp);
        TargetMac.Write(bytes[ArpView.TargetMacOffset..]);
        BigEndian.U32(bytes, ArpView.TargetIpOffset, TargetIp);
        return ArpView.Length;
    }
}
