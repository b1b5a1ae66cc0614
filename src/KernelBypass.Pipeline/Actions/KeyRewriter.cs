using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// What a flow's apply-actions and write_metadata do to a packet's key, so that the next table matches the packet as it will be
/// then (OpenFlow 1.3.5, 5.9). The packet itself is changed later, by <see cref="ActionExecutor"/>.
/// </summary>
/// <remarks>
/// The key has room for two tags: after a pop the third tag of a frame that has three stays unknown to the tables behind.
/// Which bits it writes depends on the flow alone, and what it writes on the flow and the key alone, so a path that was found once
/// holds for every packet with the same bits under the tables' masks. dec_ttl on an expired packet ends the packet
/// but not the walk: the executor drops it, whatever flows come behind.
/// </remarks>
public static unsafe class KeyRewriter
{
    /// <summary>Applies a flow to a key.</summary>
    /// <returns>False when the flow drops the packet in its apply-actions: no further table is visited.</returns>
    public static bool Apply(FlowEntry* flow, FlowKey* key)
    {
        var bytes = (byte*)key;
        var end = flow->Apply + flow->ApplyCount;
        for (var op = flow->Apply; op < end; op++)
        {
            switch (op->Kind)
            {
                case ActionKind.SetField:
                    SetField(op, bytes);
                    break;
                case ActionKind.PushVlan:
                    PushVlan(op, bytes);
                    break;
                case ActionKind.PopVlan:
                    PopVlan(bytes);
                    break;
                case ActionKind.DecTtl:
                    if (bytes[Key.IpTtl] != 0) bytes[Key.IpTtl]--;
                    break;
                case ActionKind.Drop:
                    return false;
            }
        }

        if (flow->MetadataMask != 0) WriteMetadata(flow, bytes);
        return true;
    }

    private static void WriteMetadata(FlowEntry* flow, byte* key)
    {
        var mask = BinaryPrimitives.ReverseEndianness(flow->MetadataMask);
        var value = BinaryPrimitives.ReverseEndianness(flow->MetadataValue);
        ref var metadata = ref *(ulong*)(key + Key.Metadata);
        metadata = (metadata & ~mask) | (value & mask);
    }

    private static void SetField(ActionOp* op, byte* key)
    {
        var value = op->Value;
        switch (op->Field)
        {
            case MatchField.EthDst:
                Copy6(key + Key.EthDst, value);
                break;
            case MatchField.EthSrc:
                Copy6(key + Key.EthSrc, value);
                break;
            case MatchField.VlanVid:
                if ((key[Key.VlanTci] & VlanPresent) == 0) break;
                key[Key.VlanTci] = (byte)((key[Key.VlanTci] & 0xe0) | VlanPresent | (value[0] & 0x0f));
                key[Key.VlanTci + 1] = value[1];
                break;
            case MatchField.VlanPcp:
                if ((key[Key.VlanTci] & VlanPresent) == 0) break;
                key[Key.VlanTci] = (byte)((key[Key.VlanTci] & 0x1f) | (value[0] << 5));
                break;
            case MatchField.IpDscp:
                key[Key.IpTos] = (byte)((key[Key.IpTos] & 3) | (value[0] << 2));
                break;
            case MatchField.IpEcn:
                key[Key.IpTos] = (byte)((key[Key.IpTos] & ~3) | value[0]);
                break;
            case MatchField.IpTtl:
                key[Key.IpTtl] = value[0];
                break;
            case MatchField.Ipv4Src:
                *(uint*)(key + Key.Ipv4Src) = *(uint*)value;
                break;
            case MatchField.Ipv4Dst:
                *(uint*)(key + Key.Ipv4Dst) = *(uint*)value;
                break;
            case MatchField.Ipv6Src:
                Unsafe.CopyBlockUnaligned(key + Key.Ipv6Src, value, 16);
                break;
            case MatchField.Ipv6Dst:
                Unsafe.CopyBlockUnaligned(key + Key.Ipv6Dst, value, 16);
                break;
            case MatchField.TcpSrc or MatchField.UdpSrc:
                if ((key[Key.IpFrag] & Key.FragLater) == 0) *(ushort*)(key + Key.L4Src) = *(ushort*)value;
                break;
            case MatchField.TcpDst or MatchField.UdpDst:
                if ((key[Key.IpFrag] & Key.FragLater) == 0) *(ushort*)(key + Key.L4Dst) = *(ushort*)value;
                break;
        }
    }

    private static void PushVlan(ActionOp* op, byte* key)
    {
        var outer = *(ushort*)(key + Key.VlanTci);
        *(ushort*)(key + Key.InnerVlanTci) = outer;
        *(ushort*)(key + Key.InnerTpid) = *(ushort*)(key + Key.VlanTpid);

        // OpenFlow 1.3.5, 5.12.1: a new tag takes over the values of the outermost one, else zero.
        if (outer == 0) key[Key.VlanTci] = VlanPresent;
        *(ushort*)(key + Key.VlanTpid) = BinaryPrimitives.ReverseEndianness(op->Argument);
    }

    private static void PopVlan(byte* key)
    {
        *(ushort*)(key + Key.VlanTci) = *(ushort*)(key + Key.InnerVlanTci);
        *(ushort*)(key + Key.VlanTpid) = *(ushort*)(key + Key.InnerTpid);
        *(uint*)(key + Key.InnerVlanTci) = 0;
    }

    private const byte VlanPresent = Key.VlanPresent >> 8;

    private static void Copy6(byte* target, byte* source)
    {
        *(uint*)target = *(uint*)source;
        *(ushort*)(target + 4) = *(ushort*)(source + 4);
    }
}
