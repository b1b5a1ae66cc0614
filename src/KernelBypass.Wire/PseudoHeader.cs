namespace KernelBypass.Wire;

/// <summary>
/// The pseudo headers that TCP, UDP and ICMPv6 checksums cover, as sums to start from.
/// <code>
/// IPv4 (RFC 9293 3.1)                 IPv6 (RFC 8200 8.1)
/// +--------+--------+--------+------+ +-----------------------------------+
/// |          source address         | |     source address (16 bytes)     |
/// |        destination address      | |  destination address (16 bytes)   |
/// |  zero  |protocol|  length (16)  | |    upper-layer length (32)        |
/// +--------+--------+---------------+ |  zero (24)       | next header    |
///                                     +-----------------------------------+
/// </code>
/// </summary>
public static class PseudoHeader
{
    /// <summary>The sum for IPv4. <paramref name="length"/> is that of the L4 header and payload, in bytes.</summary>
    public static uint Sum(uint source, uint destination, byte protocol, int length) =>
        Checksum.Fold((ulong)source + destination + protocol + (uint)length);

    /// <summary>The sum for IPv6. <paramref name="length"/> is that of the L4 header and payload, in bytes.</summary>
    public static uint Sum(UInt128 source, UInt128 destination, byte nextHeader, int length) =>
        Checksum.Fold(Words(source) + Words(destination) + nextHeader + (uint)length);

    private static ulong Words(UInt128 value)
    {
        ulong high = (ulong)(value >> 64), low = (ulong)value;
        return (high >> 32) + (uint)high + (low >> 32) + (uint)low;
    }
}
