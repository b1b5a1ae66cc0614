using System.Net.NetworkInformation;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>What a port is and can do (rte_eth_dev_info).</summary>
public sealed record PortInfo
{
    /// <summary>Device name: a vdev's name or a PCI address.</summary>
    public required string Name { get; init; }

    /// <summary>The driver, for example "net_tap".</summary>
    public required string Driver { get; init; }

    /// <summary>MAC address.</summary>
    public required PhysicalAddress MacAddress { get; init; }

    /// <summary>NUMA node, -1 when the device has none.</summary>
    public int NumaNode { get; init; }

    /// <summary>Index of the kernel interface behind it, 0 when there is none.</summary>
    public uint InterfaceIndex { get; init; }

    /// <summary>MTU now, bytes.</summary>
    public ushort Mtu { get; init; }

    /// <summary>Smallest MTU.</summary>
    public ushort MinMtu { get; init; }

    /// <summary>Largest MTU, by the driver's MTU and frame limits.</summary>
    public ushort MaxMtu { get; init; }

    /// <summary>Smallest data room (without headroom) that the driver takes.</summary>
    public uint MinRxBuffer { get; init; }

    /// <summary>Longest frame.</summary>
    public uint MaxRxPacketLength { get; init; }

    /// <summary>Most rx queues.</summary>
    public ushort MaxRxQueues { get; init; }

    /// <summary>Most tx queues.</summary>
    public ushort MaxTxQueues { get; init; }

    /// <summary>Limits of rx descriptors: least, most, multiple of.</summary>
    public (ushort Min, ushort Max, ushort Align) RxDescriptors { get; init; }

    /// <summary>Limits of tx descriptors: least, most, multiple of.</summary>
    public (ushort Min, ushort Max, ushort Align) TxDescriptors { get; init; }

    /// <summary>Entries in the RSS redirection table, 0 without RSS.</summary>
    public ushort RetaSize { get; init; }

    /// <summary>Bytes in the RSS key, 0 without one.</summary>
    public uint HashKeySize { get; init; }

    /// <summary>What it can hash.</summary>
    public RssHash RssHash { get; init; }

    /// <summary>What it can do for packets.</summary>
    public PortOffload Offloads { get; init; }

    /// <summary>The driver says that it reports link changes by interrupt.</summary>
    public bool LinkInterrupt { get; init; }

    internal static unsafe PortInfo From(ref PortInfoRecord record)
    {
        fixed (PortInfoRecord* r = &record)
        {
            return new PortInfo
            {
                Name = Kb.Text(r->name, 64),
                Driver = Kb.Text(r->driver, 32),
                MacAddress = new PhysicalAddress(new ReadOnlySpan<byte>(r->mac, 6).ToArray()),
                NumaNode = r->socket,
                InterfaceIndex = r->if_index,
                Mtu = r->mtu,
                MinMtu = r->min_mtu,
                MaxMtu = r->max_mtu,
                MinRxBuffer = r->min_rx_buffer,
                MaxRxPacketLength = r->max_rx_packet,
                MaxRxQueues = r->max_rx_queues,
                MaxTxQueues = r->max_tx_queues,
                RxDescriptors = (r->rx_desc_min, r->rx_desc_max, r->rx_desc_align),
                TxDescriptors = (r->tx_desc_min, r->tx_desc_max, r->tx_desc_align),
                RetaSize = r->reta_size,
                HashKeySize = r->hash_key_size,
                RssHash = (RssHash)r->rss_hash,
                Offloads = (PortOffload)r->offloads,
                LinkInterrupt = r->link_interrupt != 0,
            };
        }
    }
}
