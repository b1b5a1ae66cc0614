namespace KernelBypass.Pipeline.L2;

/// <summary>What an Ethernet address is, read from the frame.</summary>
internal static unsafe class MacAddressKind
{
    /// <summary>Multicast or broadcast: the group bit (IEEE 802, 8.2).</summary>
    internal static bool IsGroup(byte* address) => (address[0] & 1) != 0;

    /// <summary>01:80:c2:00:00:00 to 0f: never forwarded by a bridge (IEEE 802.1D 7.12.6).</summary>
    internal static bool IsLinkLocal(byte* address) =>
        *(uint*)address == 0x00C2_8001 && address[4] == 0 && (address[5] & 0xf0) == 0;
}
