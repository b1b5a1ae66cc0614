using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Native;

// The kb_ structs of native/include/kbdpdk.h, field for field; LayoutVerifier compares them with the shim's.

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LayoutEntry
{
    public byte* name;
    public ulong value;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LogLine
{
    public const int TextCapacity = 488;

    public uint level;
    public uint type;
    public uint length;
    public fixed byte text[TextCapacity];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PortConf
{
    public ulong offloads;
    public ulong rss_hash;
    public void** rx_pools;
    public byte* rss_key;
    public uint rss_key_length;
    public ushort rx_queues;
    public ushort tx_queues;
    public ushort rx_descriptors;
    public ushort tx_descriptors;
    public ushort mtu;
    public byte rx_interrupts;
    public byte link_interrupt;
    public byte set_mac;
    public fixed byte mac[6];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PortOutcome
{
    public ulong offloads_granted;
    public ulong offloads_missing;
    public ulong rss_granted;
    public ushort rx_descriptors;
    public ushort tx_descriptors;
    public ushort mtu;
    public byte scatter_needed;
    public byte link_interrupt;
    public fixed byte step[64];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PortInfoRecord
{
    public ulong offloads;
    public ulong rss_hash;
    public int socket;
    public uint if_index;
    public uint min_rx_buffer;
    public uint max_rx_packet;
    public uint hash_key_size;
    public ushort min_mtu;
    public ushort max_mtu;
    public ushort max_rx_queues;
    public ushort max_tx_queues;
    public ushort rx_desc_min;
    public ushort rx_desc_max;
    public ushort rx_desc_align;
    public ushort tx_desc_min;
    public ushort tx_desc_max;
    public ushort tx_desc_align;
    public ushort reta_size;
    public ushort mtu;
    public byte link_interrupt;
    public fixed byte mac[6];
    public fixed byte driver[32];
    public fixed byte name[64];
}

[StructLayout(LayoutKind.Sequential)]
internal struct PortLinkRecord
{
    public uint speed_mbps;
    public byte up;
    public byte full_duplex;
    public byte autonegotiated;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct XstatName
{
    public const int Capacity = 64;

    public fixed byte name[Capacity];
}

[StructLayout(LayoutKind.Sequential)]
internal struct EventRecord
{
    public uint kind;
    public ushort port;
}
