using System.Runtime.CompilerServices;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Tables;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Stages.Classify;

/// <summary>The software hash that spreads packets over lcores where the device gave none: of addresses, protocol and ports;
/// never 0.</summary>
internal static unsafe class FiveTupleHash
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static uint Of(FlowKey* key)
    {
        var bytes = (byte*)key;
        var hash = FlowHash.Mix(FlowHash.Seed, *(ulong*)(bytes + Key.Ipv4Src));

        // Only the protocol of this word: ports of a first fragment would part it from the others.
        hash = FlowHash.Mix(hash, bytes[Key.IpProto]);
        if ((bytes[Key.IpFrag] & Key.FragAny) == 0) hash = FlowHash.Mix(hash, *(uint*)(bytes + Key.L4Src));
        if (*(ushort*)(bytes + Key.EthType) == 0xdd86)
        {
            for (var offset = Key.Ipv6Src; offset < Key.Ipv6Dst + 16; offset += 8)
                hash = FlowHash.Mix(hash, *(ulong*)(bytes + offset));
        }

        // Frames without IP are told apart by their addresses.
        if (bytes[Key.IpProto] == 0) hash = FlowHash.Mix(FlowHash.Mix(hash, *(ulong*)bytes), *(uint*)(bytes + 8));
        return Math.Max(1u, (uint)FlowHash.Finish(hash));
    }
}
