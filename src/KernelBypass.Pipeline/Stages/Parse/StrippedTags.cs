using System.Buffers.Binary;
using KernelBypass.Dpdk;

namespace KernelBypass.Pipeline.Stages.Parse;

/// <summary>
/// Puts back into the frame the VLAN tags that a device took out, so that everything behind sees frames as they were on the wire.
/// </summary>
internal static unsafe class StrippedTags
{
    private const int AddressBytes = 12;
    private const ushort VlanTpid = 0x8100;
    private const ushort ServiceVlanTpid = 0x88A8;

    /// <summary>Inserts the inner, then the outer tag, and clears the flags. Devices report no TPID: the usual ones are written.
    /// False when there is no room.</summary>
    internal static bool Restore(Mbuf packet)
    {
        var flags = packet.Flags;
        var both = (flags & MbufFlags.RxQinQStripped) != 0;
        packet.Flags = flags & ~(MbufFlags.RxVlanStripped | MbufFlags.RxQinQStripped | MbufFlags.RxVlan | MbufFlags.RxQinQ);
        return Insert(packet, VlanTpid, packet.VlanTci) && (!both || Insert(packet, ServiceVlanTpid, packet.OuterVlanTci));
    }

    private static bool Insert(Mbuf packet, ushort tpid, ushort tci)
    {
        if (packet.DataLength < AddressBytes) return true; // too short for Ethernet: the parser says so
        var old = packet.Data;
        var data = packet.Prepend(4);
        if (data == null) return false;
        Buffer.MemoryCopy(old, data, AddressBytes, AddressBytes);
        *(ushort*)(data + AddressBytes) = BinaryPrimitives.ReverseEndianness(tpid);
        *(ushort*)(data + AddressBytes + 2) = BinaryPrimitives.ReverseEndianness(tci);
        return true;
    }
}
