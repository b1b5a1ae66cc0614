using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Stages.Parse;

/// <summary>The IPv4 header checksum of a parsed packet (RFC 791 3.1).</summary>
internal static unsafe class HeaderChecksum
{
    /// <summary>Whether it is right, by the device's word where it has given one. True for anything but IPv4.</summary>
    internal static bool IsIpv4Good(byte* data, PacketMeta* meta, MbufFlags flags)
    {
        if ((meta->Kinds & PacketKinds.Ipv4) == 0) return true;
        var verdict = flags & MbufFlags.RxIpChecksumMask;
        if (verdict == MbufFlags.RxIpChecksumBad) return false;

        // Both bits: the field is not filled in, but the device (or the sender on the same host) vouches for the header.
        if (verdict != MbufFlags.None) return true;
        var ip = data + meta->L3Offset;
        ulong sum = 0;
        for (var i = 0; i < (ip[0] & 0xf); i++) sum += ((uint*)ip)[i];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        return sum == 0xffff;
    }
}
