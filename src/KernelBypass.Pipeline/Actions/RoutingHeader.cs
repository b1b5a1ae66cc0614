using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// IPv6 routing headers: while segments are left, the pseudo header holds the final destination, not the one in the IPv6 header
/// (RFC 8200 8.1), so that a new destination does not change the L4 checksum.
/// </summary>
internal static unsafe class RoutingHeader
{
    private const byte Routing = 43;
    private const byte Fragment = 44;
    private const byte Authentication = 51;

    /// <summary>Whether the packet has a routing header with segments left. The parser has checked the headers up to L4.</summary>
    internal static bool IsPending(byte* ip, PacketMeta* meta)
    {
        var end = meta->L4Offset - meta->L3Offset;
        var next = ip[6];
        for (var offset = 40; offset + 8 <= end;)
        {
            var header = ip + offset;
            if (next == Routing && header[3] != 0) return true;
            offset += next switch
            {
                Fragment => 8,
                Authentication => (header[1] + 2) * 4,
                _ => (header[1] + 1) * 8,
            };
            next = header[0];
        }

        return false;
    }
}
