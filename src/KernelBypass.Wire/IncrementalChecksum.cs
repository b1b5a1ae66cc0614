namespace KernelBypass.Wire;

/// <summary>
/// Checksum update when fields change, RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). It never turns a right checksum into the
/// wrong zero: of 0x0000 and 0xFFFF, the two one's complement zeros, it gives 0x0000 as a full computation does, except over
/// data that become zero in every byte, which no IP header nor pseudo header does.
/// </summary>
public static class IncrementalChecksum
{
    /// <summary>A 16-bit word at an even offset changed.</summary>
    public static ushort Update(ushort checksum, ushort oldValue, ushort newValue) =>
        (ushort)~Fold((uint)(ushort)~checksum + (ushort)~oldValue + newValue);

    /// <summary>A 32-bit word at an even offset changed: an IPv4 address, a sequence number.</summary>
    public static ushort Update(ushort checksum, uint oldValue, uint newValue) =>
        Checksum.Finish((ulong)(ushort)~checksum + ~oldValue + newValue);

    /// <summary>A 128-bit word at an even offset changed: an IPv6 address.</summary>
    public static ushort Update(ushort checksum, UInt128 oldValue, UInt128 newValue) =>
        Checksum.Finish((ulong)(ushort)~checksum + Words(~oldValue) + Words(newValue));

    /// <summary>
    /// Bytes at an even offset changed. Both spans have the same even length, else <see cref="ArgumentException"/>.
    /// </summary>
    public static ushort Update(ushort checksum, ReadOnlySpan<byte> oldBytes, ReadOnlySpan<byte> newBytes)
    {
        if (oldBytes.Length != newBytes.Length || (oldBytes.Length & 1) != 0)
            throw new ArgumentException(
                $"old and new bytes must have one even length, not {oldBytes.Length} and {newBytes.Length}");

        // The sum of complements is the complement of the sum, in one's complement arithmetic.
        return Checksum.Finish((ulong)(ushort)~checksum + (ushort)~Checksum.Sum(oldBytes) + Checksum.Sum(newBytes));
    }

    /// <summary>UDP, 16 bits: 0 means that there is no checksum and stays; a computed 0 is sent as 0xFFFF (RFC 768).</summary>
    public static ushort UpdateUdp(ushort checksum, ushort oldValue, ushort newValue) =>
        checksum == 0 ? (ushort)0 : NonZero(Update(checksum, oldValue, newValue));

    /// <summary>UDP, 32 bits: 0 means that there is no checksum and stays; a computed 0 is sent as 0xFFFF (RFC 768).</summary>
    public static ushort UpdateUdp(ushort checksum, uint oldValue, uint newValue) =>
        checksum == 0 ? (ushort)0 : NonZero(Update(checksum, oldValue, newValue));

    /// <summary>UDP, 128 bits: 0 means that there is no checksum and stays; a computed 0 is sent as 0xFFFF (RFC 768).</summary>
    public static ushort UpdateUdp(ushort checksum, UInt128 oldValue, UInt128 newValue) =>
        checksum == 0 ? (ushort)0 : NonZero(Update(checksum, oldValue, newValue));

    /// <summary>RFC 768: "If the computed checksum is zero, it is transmitted as all ones".</summary>
    public static ushort NonZero(ushort checksum) => checksum == 0 ? (ushort)0xFFFF : checksum;

    private static uint Fold(uint sum)
    {
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (sum & 0xFFFF) + (sum >> 16);
    }

    private static ulong Words(UInt128 value)
    {
        ulong high = (ulong)(value >> 64), low = (ulong)value;
        return (high >> 32) + (uint)high + (low >> 32) + (uint)low;
    }
}
