using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

// Configuration, and what can be set while the port runs.
public sealed unsafe partial class Port
{
    /// <summary>Largest MTU that is supported.</summary>
    public const ushort MaxMtu = 9000;

    private const int NotSupported = 95;

    /// <summary>
    /// Configures the port, stopped. What the device cannot do for packets is in the result's <see cref="PortOffloads.Missing"/>;
    /// anything else it cannot do throws <see cref="DpdkException"/> that names the limit.
    /// </summary>
    public PortConfiguration Configure(PortOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        lock (s_control)
        {
            if (State is not (PortState.Attached or PortState.Configured))
                throw Wrong("configured", PortState.Attached);
            PortInfo info = GetInfo();
            Validate(options, info);
            PortOutcome outcome;
            int error = CallConfigure(options, &outcome);
            if (error < 0)
            {
                throw DpdkException.From($"Port {Name} ({Driver}) cannot be configured: {Kb.Text(outcome.step, 64)}", error,
                    "DPDK's log lines say more.");
            }

            _options = options;
            State = PortState.Configured;
            Configuration = ConfigurationOf(outcome);
            return Configuration;
        }
    }

    private static PortConfiguration ConfigurationOf(in PortOutcome outcome)
    {
        var granted = (PortOffload)outcome.offloads_granted;
        return new PortConfiguration(
            new PortOffloads(granted | (PortOffload)outcome.offloads_missing, granted), (RssHash)outcome.rss_granted,
            outcome.rx_descriptors, outcome.tx_descriptors, outcome.mtu, outcome.link_interrupt != 0);
    }

    /// <summary>Turns promiscuous mode on or off; false when the device has no such mode (it then filters nothing).</summary>
    public bool SetPromiscuous(bool on) => Set(Kb.kb_port_set_promiscuous(Id, on ? 1 : 0), "promiscuous mode");

    /// <summary>Turns reception of all multicast on or off; false when the device has no such mode.</summary>
    public bool SetAllMulticast(bool on) => Set(Kb.kb_port_set_all_multicast(Id, on ? 1 : 0), "allmulticast mode");

    /// <summary>Sets the link administratively up or down; false when the driver cannot.</summary>
    public bool SetLink(bool up) => Set(Kb.kb_port_set_link(Id, up ? 1 : 0), up ? "link up" : "link down");

    /// <summary>Sets the MAC address. Throws <see cref="DpdkException"/> when the device cannot.</summary>
    public void SetMacAddress(PhysicalAddress address)
    {
        byte[] bytes = MacBytes(address);
        lock (s_control)
        {
            fixed (byte* mac = bytes)
                DpdkException.Check(Kb.kb_port_set_mac(Id, mac), $"Port {Name}: MAC address {address}");
        }
    }

    /// <summary>
    /// Sets the MTU. Throws <see cref="DpdkException"/> when the device cannot, or cannot while it runs: then Stop, Configure
    /// and Start.
    /// </summary>
    public void SetMtu(ushort mtu)
    {
        lock (s_control)
        {
            DpdkException.Check(Kb.kb_port_set_mtu(Id, mtu), $"Port {Name}: MTU {mtu}",
                "Some drivers take an MTU only in Configure, while the port is stopped.");
        }
    }

    /// <summary>Sets the RSS redirection table, <see cref="PortInfo.RetaSize"/> entries.</summary>
    public void SetRedirectionTable(ReadOnlySpan<ushort> queues)
    {
        lock (s_control)
        {
            fixed (ushort* first = queues)
            {
                DpdkException.Check(Kb.kb_port_set_reta(Id, first, (ushort)queues.Length),
                    $"Port {Name}: redirection table of {queues.Length} entries", $"The device has {GetInfo().RetaSize}.");
            }
        }
    }

    /// <summary>The RSS redirection table.</summary>
    public ushort[] GetRedirectionTable()
    {
        var queues = new ushort[GetInfo().RetaSize];
        if (queues.Length == 0)
            return queues;
        fixed (ushort* first = queues)
            DpdkException.Check(Kb.kb_port_get_reta(Id, first, (ushort)queues.Length), $"Port {Name}: redirection table");
        return queues;
    }

    /// <summary>Sets what is hashed and, unless empty, the key.</summary>
    public void SetRss(RssHash hash, ReadOnlySpan<byte> key)
    {
        lock (s_control)
        {
            fixed (byte* first = key)
            {
                DpdkException.Check(Kb.kb_port_set_rss(Id, (ulong)hash, first, (uint)key.Length), $"Port {Name}: RSS over {hash}",
                    $"The device hashes {GetInfo().RssHash}.");
            }
        }
    }

    /// <summary>What is hashed, and the key.</summary>
    public (RssHash Hash, byte[] Key) GetRss()
    {
        var key = new byte[GetInfo().HashKeySize];
        ulong hash;
        fixed (byte* first = key)
            DpdkException.Check(Kb.kb_port_get_rss(Id, &hash, first, (uint)key.Length), $"Port {Name}: RSS");
        return ((RssHash)hash, key);
    }

    private static byte[] MacBytes(PhysicalAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] bytes = address.GetAddressBytes();
        if (bytes.Length != 6 || (bytes[0] & 1) != 0)
            throw new ArgumentException($"{address} is not a unicast MAC address of 6 bytes.", nameof(address));
        return bytes;
    }

    private bool Set(int result, string what)
    {
        if (result == -NotSupported)
            return false;
        DpdkException.Check(result, $"Port {Name}: {what}");
        return true;
    }

    private DpdkException TooMany(string what, int asked, int most) =>
        new($"Port {Name}: {asked} {what} asked for, {Driver} has 1 to {most}.");

    private void Validate(PortOptions options, PortInfo info)
    {
        if (options.RxQueues == 0 || options.RxQueues > info.MaxRxQueues)
            throw TooMany("rx queues", options.RxQueues, info.MaxRxQueues);
        if (options.TxQueues == 0 || options.TxQueues > info.MaxTxQueues)
            throw TooMany("tx queues", options.TxQueues, info.MaxTxQueues);
        if (options.Mempools.Count == 0)
            throw new DpdkException($"Port {Name}: no mempool given for its rx queues.");
        ushort largest = Math.Min(MaxMtu, info.MaxMtu);
        if (options.Mtu != 0 && (options.Mtu < info.MinMtu || options.Mtu > largest))
            throw new DpdkException($"Port {Name}: MTU {options.Mtu} asked for, {Driver} has {info.MinMtu} to {largest}.");
        if (options.MacAddress is not null)
            _ = MacBytes(options.MacAddress);
        if (options.Rss is not RssOptions rss)
            return;
        if (rss.Key.Length != 0 && rss.Key.Length != info.HashKeySize)
            throw new DpdkException($"Port {Name}: an RSS key of {rss.Key.Length} bytes, {Driver} wants {info.HashKeySize}.");
        if (rss.RedirectionTable.Count != 0 && rss.RedirectionTable.Count != info.RetaSize)
        {
            throw new DpdkException(
                $"Port {Name}: a redirection table of {rss.RedirectionTable.Count} entries, {Driver} has {info.RetaSize}.");
        }

        foreach (ushort queue in rss.RedirectionTable)
        {
            if (queue >= options.RxQueues)
                throw new DpdkException($"Port {Name}: the redirection table names rx queue {queue} of {options.RxQueues}.");
        }
    }

    private int CallConfigure(PortOptions options, PortOutcome* outcome)
    {
        void** pools = stackalloc void*[options.RxQueues];
        for (int queue = 0; queue < options.RxQueues; queue++)
            pools[queue] = options.Mempools[Math.Min(queue, options.Mempools.Count - 1)].Pointer;
        fixed (byte* key = options.Rss is null ? default : options.Rss.Key.Span)
        {
            PortConf conf = new()
            {
                offloads = (ulong)options.Offloads,
                rss_hash = options.RxQueues > 1 ? (ulong)(options.Rss?.Hash ?? RssHash.None) : 0,
                rx_pools = pools,
                rss_key = key,
                rss_key_length = (uint)(options.Rss?.Key.Length ?? 0),
                rx_queues = options.RxQueues,
                tx_queues = options.TxQueues,
                rx_descriptors = options.RxDescriptors,
                tx_descriptors = options.TxDescriptors,
                mtu = options.Mtu,
                rx_interrupts = options.RxInterrupts ? (byte)1 : (byte)0,
                link_interrupt = options.LinkInterrupt ? (byte)1 : (byte)0,
            };
            if (options.MacAddress is not null)
            {
                conf.set_mac = 1;
                MacBytes(options.MacAddress).CopyTo(new Span<byte>(conf.mac, 6));
            }

            return Kb.kb_port_configure(Id, &conf, outcome);
        }
    }

    private void ApplyAfterStart(PortOptions options)
    {
        SetPromiscuous(options.Promiscuous);
        SetAllMulticast(options.AllMulticast);
        if (options.RxQueues == 1 || options.Rss is not RssOptions rss || Configuration!.RssHash == RssHash.None)
            return;
        // Some drivers (net_null) overlook the key in the configuration.
        if (rss.Key.Length != 0 && !rss.Key.Span.SequenceEqual(GetRss().Key))
            SetRss(Configuration.RssHash, rss.Key.Span);
        if (rss.RedirectionTable.Count > 0)
            SetRedirectionTable(CollectionsMarshal.AsSpan(new List<ushort>(rss.RedirectionTable)));
    }
}
