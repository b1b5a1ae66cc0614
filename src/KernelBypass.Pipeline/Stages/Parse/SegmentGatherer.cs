using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Pipeline.Stages.Parse;

/// <summary>Brings the headers of a packet of several segments into its first one, where the parser and the actions want them.</summary>
internal static unsafe class SegmentGatherer
{
    /// <summary>More than any chain of headers that the parser lets through needs, short of absurd option headers.</summary>
    private const int Enough = 1024;

    /// <summary>
    /// Moves bytes from the later segments to the end of the first one, until it has <see cref="Enough"/> or all. A segment that
    /// becomes empty stays in the chain with length 0.
    /// </summary>
    /// <returns>False when nothing could be moved: no room behind the first segment's data, or a segment is shared.</returns>
    internal static bool PullUp(Mbuf packet)
    {
        var first = packet.Pointer;
        if (packet.IsShared) return false;
        var moved = 0;
        for (var segment = first->next; segment != null; segment = segment->next)
        {
            var room = Math.Min(packet.Tailroom, Enough - first->data_len);
            if (room <= 0 || new Mbuf(segment).IsShared) break;
            var bytes = Math.Min(room, segment->data_len);
            Buffer.MemoryCopy(new Mbuf(segment).Data, packet.Data + first->data_len, bytes, bytes);
            first->data_len += (ushort)bytes;
            segment->data_off += (ushort)bytes;
            segment->data_len -= (ushort)bytes;
            moved += bytes;
        }

        return moved > 0;
    }
}
