using System.Runtime.CompilerServices;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// Incremental update of an Internet checksum (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')). A change is the sum of ~m and m'
/// over all 16-bit words that change, in the byte order of the packet: one's complement sums do not mind it (RFC 1071 2.B).
/// </summary>
internal static unsafe class IncrementalUpdate
{
    /// <summary>Change of one 16-bit word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Of16(ushort old, ushort now) => (ulong)(ushort)~old + now;

    /// <summary>Change of two words at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Of32(uint old, uint now) => (ulong)~old + now;

    /// <summary>Change of an IPv6 address.</summary>
    internal static ulong Of128(byte* old, byte* now)
    {
        ulong change = 0;
        for (var i = 0; i < 4; i++) change += Of32(((uint*)old)[i], ((uint*)now)[i]);
        return change;
    }

    /// <summary>The checksum after a change.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ushort Apply(ushort checksum, ulong change)
    {
        var sum = (ushort)~checksum + change;
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }
}
