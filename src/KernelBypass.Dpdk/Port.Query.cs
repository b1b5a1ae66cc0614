using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

// What the port is and has counted.
public sealed unsafe partial class Port
{
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
        if (error < 0)
            throw DpdkException.From($"Port {Name}: link", error);
        uint? speed = link.speed_mbps is 0 or uint.MaxValue ? null : link.speed_mbps;
        return new PortLink(link.up != 0, speed, link.full_duplex != 0, link.autonegotiated != 0);
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

    /// <summary>The counters of the first queues, as many as fit, at most <see cref="QueueStats.MaxQueues"/>. Allocates nothing.</summary>
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
}
