using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

// What the port is and has counted.
public sealed unsafe partial class Port
{
    // Of the one thread that polls links.
    private static readonly List<PortEvent> s_linkChanges = [];

    private PortLink _lastLink;

    /// <summary>What the device is and can do.</summary>
    public PortInfo GetInfo()
    {
        PortInfoRecord record;
        DpdkException.Check(Kb.kb_port_info(Id, &record), $"Port {Name ?? Id.ToString()}: rte_eth_dev_info_get");
        return PortInfo.From(ref record);
    }

    /// <summary>The link now; does not wait for it. Allocates nothing.</summary>
    public PortLink GetLink()
    {
        PortLinkRecord link;
        int error = Kb.kb_port_link(Id, &link);
        return error == 0 ? LinkOf(link) : throw DpdkException.From($"Port {Name}: link", error);
    }

    /// <summary>
    /// Raises <see cref="PortEventKind.Link"/> for each started port whose link is not as it was. Some drivers promise to report
    /// it and do not (net_tap in 22.11), others cannot: so it is looked at too. Allocates nothing unless a link changed.
    /// </summary>
    internal static void PollLinks(Action<PortEvent> changed)
    {
        // An attach may take long; the links are looked at next time.
        if (!s_control.TryEnter())
            return;
        try
        {
            foreach (Port port in s_ports.Values)
            {
                if (port.State != PortState.Started || !port.TryGetLink(out PortLink link) || link == port._lastLink)
                    continue;
                port._lastLink = link;
                s_linkChanges.Add(new PortEvent(PortEventKind.Link, port.Id));
            }
        }
        finally
        {
            s_control.Exit();
        }

        // Outside the lock: a handler may well call the port.
        foreach (PortEvent portEvent in s_linkChanges)
            changed(portEvent);
        s_linkChanges.Clear();
    }

    /// <summary>The counters. Allocates nothing.</summary>
    public void GetStats(out PortStats stats)
    {
        fixed (PortStats* result = &stats)
        {
            int error = Kb.kb_port_stats(Id, result);
            if (error < 0)
                throw DpdkException.From($"Port {Name}: statistics", error);
        }
    }

    /// <summary>
    /// The counters of the first queues, as many as fit, at most <see cref="QueueStats.MaxQueues"/>. Allocates nothing.
    /// </summary>
    public void GetQueueStats(Span<QueueStats> queues)
    {
        fixed (QueueStats* first = queues)
        {
            int error = Kb.kb_port_queue_stats(Id, first, (uint)queues.Length);
            if (error < 0)
                throw DpdkException.From($"Port {Name}: statistics of {queues.Length} queues", error);
        }
    }

    /// <summary>Sets the counters to zero.</summary>
    public void ResetStats() => DpdkException.Check(Kb.kb_port_stats_reset(Id), $"Port {Name}: reset of statistics");

    /// <summary>The extended statistics.</summary>
    public PortXstats GetXstats() => new(this);

    private static PortLink LinkOf(PortLinkRecord link)
    {
        uint? speed = link.speed_mbps is 0 or uint.MaxValue ? null : link.speed_mbps;
        return new PortLink(link.up != 0, speed, link.full_duplex != 0, link.autonegotiated != 0);
    }

    private bool TryGetLink(out PortLink link)
    {
        PortLinkRecord record;
        bool known = Kb.kb_port_link(Id, &record) == 0;
        link = known ? LinkOf(record) : default;
        return known;
    }
}
