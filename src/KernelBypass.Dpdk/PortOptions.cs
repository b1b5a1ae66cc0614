using System.Net.NetworkInformation;

namespace KernelBypass.Dpdk;

/// <summary>Receive side scaling: which rx queue a packet goes to.</summary>
public sealed record RssOptions
{
    /// <summary>What to hash.</summary>
    public RssHash Hash { get; init; } = RssHash.FiveTuple;

    /// <summary>The hash key, of the device's key size (<see cref="PortInfo.HashKeySize"/>); empty: the driver's.</summary>
    public ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>The redirection table: a queue for each entry (<see cref="PortInfo.RetaSize"/>); empty: the driver's.</summary>
    public IReadOnlyList<ushort> RedirectionTable { get; init; } = [];
}

/// <summary>The configuration of a port.</summary>
public sealed record PortOptions
{
    /// <summary>Where rx queue i gets its mbufs: pool i, or the last one.</summary>
    public required IReadOnlyList<Mempool> Mempools { get; init; }

    /// <summary>Rx queues.</summary>
    public ushort RxQueues { get; init; } = 1;

    /// <summary>Tx queues.</summary>
    public ushort TxQueues { get; init; } = 1;

    /// <summary>Descriptors of an rx queue; 0: what the driver prefers. Adjusted to the device's limits.</summary>
    public ushort RxDescriptors { get; init; }

    /// <summary>Descriptors of a tx queue; 0: what the driver prefers. Adjusted to the device's limits.</summary>
    public ushort TxDescriptors { get; init; }

    /// <summary>MTU, 68 to 9,000 bytes; 0: as it is.</summary>
    public ushort Mtu { get; init; }

    /// <summary>Offloads wanted; those the device lacks are in <see cref="PortOffloads.Missing"/>.</summary>
    public PortOffload Offloads { get; init; }

    /// <summary>RSS, when there are several rx queues; null: none.</summary>
    public RssOptions? Rss { get; init; }

    /// <summary>Receive frames to any address.</summary>
    public bool Promiscuous { get; init; }

    /// <summary>Receive frames to any multicast address.</summary>
    public bool AllMulticast { get; init; }

    /// <summary>The port's MAC address; null: the device's.</summary>
    public PhysicalAddress? MacAddress { get; init; }

    /// <summary>Ask the driver for rx interrupts, for <see cref="RxInterruptSet"/>.</summary>
    public bool RxInterrupts { get; init; }

    /// <summary>
    /// Ask the driver for an interrupt at link changes. Without one they are noticed within about half a second.
    /// </summary>
    public bool LinkInterrupt { get; init; } = true;
}

/// <summary>What became of <see cref="PortOptions"/>.</summary>
/// <param name="Offloads">Granted and missing offloads.</param>
/// <param name="RssHash">What is hashed; None when the device has no RSS or there is one rx queue.</param>
/// <param name="RxDescriptors">Descriptors of each rx queue.</param>
/// <param name="TxDescriptors">Descriptors of each tx queue.</param>
/// <param name="Mtu">The MTU in force.</param>
/// <param name="LinkInterrupt">The driver says that it reports link changes at once.</param>
public sealed record PortConfiguration(
    PortOffloads Offloads, RssHash RssHash, ushort RxDescriptors, ushort TxDescriptors, ushort Mtu, bool LinkInterrupt);
