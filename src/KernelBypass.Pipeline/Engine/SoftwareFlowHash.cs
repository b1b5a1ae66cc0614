using System.Numerics;
using System.Runtime.CompilerServices;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// A hash for packets whose device gave none: over addresses, protocol and ports where there are any, over the MAC addresses
/// else.
/// All packets of a flow have the same; fragments of a datagram have the same among themselves (no ports).
/// </summary>
internal static unsafe class SoftwareFlowHash
{
    private const int MaxTags = 2;

    /// <summary>
    /// The hash of a frame whose first <paramref name="length"/> bytes lie at <paramref name="frame"/>; never 0.
    /// </summary>
    internal static uint Compute(byte* frame, int length)
    {
        if (length < 14) return 1;
        var offset = 12;
        var type = Read16(frame + offset);
        for (var tags = 0; tags < MaxTags && type is 0x8100 or 0x88a8 && offset + 6 <= length; tags++)
        {
            offset += 4;
            type = Read16(frame + offset);
        }

        offset += 2;
        return type switch
        {
            0x0800 when offset + 20 <= length => Ipv4(frame, offset, length),
            0x86dd when offset + 40 <= length => Ipv6(frame, offset, length),
            _ => Mix(Unsafe.ReadUnaligned<ulong>(frame), Unsafe.ReadUnaligned<uint>(frame + 8)),
        };
    }

    private static uint Ipv4(byte* frame, int offset, int length)
    {
        var addresses = Unsafe.ReadUnaligned<ulong>(frame + offset + 12);
        var protocol = frame[offset + 9];
        var fragment = (Read16(frame + offset + 6) & 0x3fff) != 0; // more fragments, or an offset
        var l4 = offset + ((frame[offset] & 15) * 4);
        return Mix(addresses, ((ulong)protocol << 32) | (fragment ? 0 : Ports(frame, l4, protocol, length)));
    }

    private static uint Ipv6(byte* frame, int offset, int length)
    {
        // An extension header ends the search: then the addresses alone decide, as for fragments.
        var protocol = frame[offset + 6];
        var source = Unsafe.ReadUnaligned<ulong>(frame + offset + 8) ^ (Unsafe.ReadUnaligned<ulong>(frame + offset + 16) * 3);
        var target = Unsafe.ReadUnaligned<ulong>(frame + offset + 24) ^ (Unsafe.ReadUnaligned<ulong>(frame + offset + 32) * 5);
        var hasPorts = protocol is 6 or 17 or 132;
        var l4 = hasPorts ? ((ulong)protocol << 32) | Ports(frame, offset + 40, protocol, length) : 0;
        return Mix(source ^ BitOperations.RotateLeft(target, 31), l4);
    }

    private static uint Ports(byte* frame, int l4, byte protocol, int length) =>
        protocol is 6 or 17 or 132 && l4 + 4 <= length ? Unsafe.ReadUnaligned<uint>(frame + l4) : 0;

    private static int Read16(byte* at) => (at[0] << 8) | at[1];

    private static uint Mix(ulong a, ulong b)
    {
        // MurmurHash3's 64-bit finalizer, public domain.
        var h = a ^ BitOperations.RotateLeft(b * 0x9e3779b97f4a7c15, 29);
        h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
        h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
        return (uint)(h >> 32) | 1;
    }
}
