namespace KernelBypass.Dpdk.Native;

/// <summary>The sizes, offsets and values that this assembly was written for, in the order of native/src/layout.c.</summary>
internal static unsafe class LayoutTable
{
    internal static Dictionary<string, ulong> Expected()
    {
        var table = new Dictionary<string, ulong>(StringComparer.Ordinal);
        AddMbuf(table);
        AddFlags(table);
        AddRssHashes(table);
        AddPortConf(table);
        AddPortInfo(table);
        AddSmallRecords(table);
        return table;
    }

    private static ulong Offset(void* start, void* field) => (ulong)((byte*)field - (byte*)start);

    private static void AddMbuf(Dictionary<string, ulong> table)
    {
        RteMbuf rteMbuf;
        table["sizeof(rte_mbuf)"] = (ulong)sizeof(RteMbuf);
        table["rte_mbuf.buf_addr"] = Offset(&rteMbuf, &rteMbuf.buf_addr);
        table["rte_mbuf.data_off"] = Offset(&rteMbuf, &rteMbuf.data_off);
        table["rte_mbuf.refcnt"] = Offset(&rteMbuf, &rteMbuf.refcnt);
        table["rte_mbuf.nb_segs"] = Offset(&rteMbuf, &rteMbuf.nb_segs);
        table["rte_mbuf.port"] = Offset(&rteMbuf, &rteMbuf.port);
        table["rte_mbuf.ol_flags"] = Offset(&rteMbuf, &rteMbuf.ol_flags);
        table["rte_mbuf.packet_type"] = Offset(&rteMbuf, &rteMbuf.packet_type);
        table["rte_mbuf.pkt_len"] = Offset(&rteMbuf, &rteMbuf.pkt_len);
        table["rte_mbuf.data_len"] = Offset(&rteMbuf, &rteMbuf.data_len);
        table["rte_mbuf.vlan_tci"] = Offset(&rteMbuf, &rteMbuf.vlan_tci);
        table["rte_mbuf.hash.rss"] = Offset(&rteMbuf, &rteMbuf.hash_rss);
        table["rte_mbuf.vlan_tci_outer"] = Offset(&rteMbuf, &rteMbuf.vlan_tci_outer);
        table["rte_mbuf.buf_len"] = Offset(&rteMbuf, &rteMbuf.buf_len);
        table["rte_mbuf.pool"] = Offset(&rteMbuf, &rteMbuf.pool);
        table["rte_mbuf.next"] = Offset(&rteMbuf, &rteMbuf.next);
        table["rte_mbuf.tx_offload"] = Offset(&rteMbuf, &rteMbuf.tx_offload);
        table["rte_mbuf.shinfo"] = Offset(&rteMbuf, &rteMbuf.shinfo);
        table["rte_mbuf.priv_size"] = Offset(&rteMbuf, &rteMbuf.priv_size);
    }

    private static void AddPortConf(Dictionary<string, ulong> table)
    {
        PortConf portConf;
        table["sizeof(kb_port_conf)"] = (ulong)sizeof(PortConf);
        table["kb_port_conf.offloads"] = Offset(&portConf, &portConf.offloads);
        table["kb_port_conf.rss_hash"] = Offset(&portConf, &portConf.rss_hash);
        table["kb_port_conf.rx_pools"] = Offset(&portConf, &portConf.rx_pools);
        table["kb_port_conf.rss_key"] = Offset(&portConf, &portConf.rss_key);
        table["kb_port_conf.rss_key_length"] = Offset(&portConf, &portConf.rss_key_length);
        table["kb_port_conf.rx_queues"] = Offset(&portConf, &portConf.rx_queues);
        table["kb_port_conf.tx_queues"] = Offset(&portConf, &portConf.tx_queues);
        table["kb_port_conf.rx_descriptors"] = Offset(&portConf, &portConf.rx_descriptors);
        table["kb_port_conf.tx_descriptors"] = Offset(&portConf, &portConf.tx_descriptors);
        table["kb_port_conf.mtu"] = Offset(&portConf, &portConf.mtu);
        table["kb_port_conf.rx_interrupts"] = Offset(&portConf, &portConf.rx_interrupts);
        table["kb_port_conf.link_interrupt"] = Offset(&portConf, &portConf.link_interrupt);
        table["kb_port_conf.set_mac"] = Offset(&portConf, &portConf.set_mac);
        table["kb_port_conf.mac"] = Offset(&portConf, portConf.mac);

        PortOutcome portOutcome;
        table["sizeof(kb_port_outcome)"] = (ulong)sizeof(PortOutcome);
        table["kb_port_outcome.offloads_granted"] = Offset(&portOutcome, &portOutcome.offloads_granted);
        table["kb_port_outcome.offloads_missing"] = Offset(&portOutcome, &portOutcome.offloads_missing);
        table["kb_port_outcome.rss_granted"] = Offset(&portOutcome, &portOutcome.rss_granted);
        table["kb_port_outcome.rx_descriptors"] = Offset(&portOutcome, &portOutcome.rx_descriptors);
        table["kb_port_outcome.tx_descriptors"] = Offset(&portOutcome, &portOutcome.tx_descriptors);
        table["kb_port_outcome.mtu"] = Offset(&portOutcome, &portOutcome.mtu);
        table["kb_port_outcome.scatter_needed"] = Offset(&portOutcome, &portOutcome.scatter_needed);
        table["kb_port_outcome.link_interrupt"] = Offset(&portOutcome, &portOutcome.link_interrupt);
        table["kb_port_outcome.step"] = Offset(&portOutcome, portOutcome.step);
    }

    private static void AddPortInfo(Dictionary<string, ulong> table)
    {
        PortInfoRecord portInfoRecord;
        table["sizeof(kb_port_info)"] = (ulong)sizeof(PortInfoRecord);
        table["kb_port_info.offloads"] = Offset(&portInfoRecord, &portInfoRecord.offloads);
        table["kb_port_info.rss_hash"] = Offset(&portInfoRecord, &portInfoRecord.rss_hash);
        table["kb_port_info.socket"] = Offset(&portInfoRecord, &portInfoRecord.socket);
        table["kb_port_info.if_index"] = Offset(&portInfoRecord, &portInfoRecord.if_index);
        table["kb_port_info.min_rx_buffer"] = Offset(&portInfoRecord, &portInfoRecord.min_rx_buffer);
        table["kb_port_info.max_rx_packet"] = Offset(&portInfoRecord, &portInfoRecord.max_rx_packet);
        table["kb_port_info.hash_key_size"] = Offset(&portInfoRecord, &portInfoRecord.hash_key_size);
        table["kb_port_info.min_mtu"] = Offset(&portInfoRecord, &portInfoRecord.min_mtu);
        table["kb_port_info.max_mtu"] = Offset(&portInfoRecord, &portInfoRecord.max_mtu);
        table["kb_port_info.max_rx_queues"] = Offset(&portInfoRecord, &portInfoRecord.max_rx_queues);
        table["kb_port_info.max_tx_queues"] = Offset(&portInfoRecord, &portInfoRecord.max_tx_queues);
        table["kb_port_info.rx_desc_min"] = Offset(&portInfoRecord, &portInfoRecord.rx_desc_min);
        table["kb_port_info.rx_desc_max"] = Offset(&portInfoRecord, &portInfoRecord.rx_desc_max);
        table["kb_port_info.rx_desc_align"] = Offset(&portInfoRecord, &portInfoRecord.rx_desc_align);
        table["kb_port_info.tx_desc_min"] = Offset(&portInfoRecord, &portInfoRecord.tx_desc_min);
        table["kb_port_info.tx_desc_max"] = Offset(&portInfoRecord, &portInfoRecord.tx_desc_max);
        table["kb_port_info.tx_desc_align"] = Offset(&portInfoRecord, &portInfoRecord.tx_desc_align);
        table["kb_port_info.reta_size"] = Offset(&portInfoRecord, &portInfoRecord.reta_size);
        table["kb_port_info.mtu"] = Offset(&portInfoRecord, &portInfoRecord.mtu);
        table["kb_port_info.link_interrupt"] = Offset(&portInfoRecord, &portInfoRecord.link_interrupt);
        table["kb_port_info.mac"] = Offset(&portInfoRecord, portInfoRecord.mac);
        table["kb_port_info.driver"] = Offset(&portInfoRecord, portInfoRecord.driver);
        table["kb_port_info.name"] = Offset(&portInfoRecord, portInfoRecord.name);
    }

    private static void AddSmallRecords(Dictionary<string, ulong> table)
    {
        LayoutEntry layoutEntry;
        table["sizeof(kb_layout_entry)"] = (ulong)sizeof(LayoutEntry);
        table["kb_layout_entry.name"] = Offset(&layoutEntry, &layoutEntry.name);
        table["kb_layout_entry.value"] = Offset(&layoutEntry, &layoutEntry.value);

        LogLine logLine;
        table["sizeof(kb_log_line)"] = (ulong)sizeof(LogLine);
        table["kb_log_line.level"] = Offset(&logLine, &logLine.level);
        table["kb_log_line.type"] = Offset(&logLine, &logLine.type);
        table["kb_log_line.length"] = Offset(&logLine, &logLine.length);
        table["kb_log_line.text"] = Offset(&logLine, logLine.text);

        PortLinkRecord portLinkRecord;
        table["sizeof(kb_port_link)"] = (ulong)sizeof(PortLinkRecord);
        table["kb_port_link.speed_mbps"] = Offset(&portLinkRecord, &portLinkRecord.speed_mbps);
        table["kb_port_link.up"] = Offset(&portLinkRecord, &portLinkRecord.up);
        table["kb_port_link.full_duplex"] = Offset(&portLinkRecord, &portLinkRecord.full_duplex);
        table["kb_port_link.autonegotiated"] = Offset(&portLinkRecord, &portLinkRecord.autonegotiated);

        PortStats portStats;
        table["sizeof(kb_port_stats)"] = (ulong)sizeof(PortStats);
        table["kb_port_stats.rx_packets"] = Offset(&portStats, &portStats.RxPackets);
        table["kb_port_stats.tx_packets"] = Offset(&portStats, &portStats.TxPackets);
        table["kb_port_stats.rx_bytes"] = Offset(&portStats, &portStats.RxBytes);
        table["kb_port_stats.tx_bytes"] = Offset(&portStats, &portStats.TxBytes);
        table["kb_port_stats.rx_missed"] = Offset(&portStats, &portStats.RxMissed);
        table["kb_port_stats.rx_errors"] = Offset(&portStats, &portStats.RxErrors);
        table["kb_port_stats.tx_errors"] = Offset(&portStats, &portStats.TxErrors);
        table["kb_port_stats.rx_no_mbuf"] = Offset(&portStats, &portStats.RxNoMbuf);

        QueueStats queueStats;
        table["sizeof(kb_queue_stats)"] = (ulong)sizeof(QueueStats);
        table["kb_queue_stats.rx_packets"] = Offset(&queueStats, &queueStats.RxPackets);
        table["kb_queue_stats.tx_packets"] = Offset(&queueStats, &queueStats.TxPackets);
        table["kb_queue_stats.rx_bytes"] = Offset(&queueStats, &queueStats.RxBytes);
        table["kb_queue_stats.tx_bytes"] = Offset(&queueStats, &queueStats.TxBytes);
        table["kb_queue_stats.rx_errors"] = Offset(&queueStats, &queueStats.RxErrors);

        XstatName xstatName;
        table["sizeof(kb_xstat_name)"] = (ulong)sizeof(XstatName);
        table["kb_xstat_name.name"] = Offset(&xstatName, xstatName.name);

        EventRecord eventRecord;
        table["sizeof(kb_event)"] = (ulong)sizeof(EventRecord);
        table["kb_event.kind"] = Offset(&eventRecord, &eventRecord.kind);
        table["kb_event.port"] = Offset(&eventRecord, &eventRecord.port);
    }

    private static void AddFlags(Dictionary<string, ulong> table)
    {
        table["RTE_MBUF_F_RX_VLAN"] = (ulong)MbufFlags.RxVlan;
        table["RTE_MBUF_F_RX_RSS_HASH"] = (ulong)MbufFlags.RxRssHash;
        table["RTE_MBUF_F_RX_IP_CKSUM_MASK"] = (ulong)MbufFlags.RxIpChecksumMask;
        table["RTE_MBUF_F_RX_IP_CKSUM_BAD"] = (ulong)MbufFlags.RxIpChecksumBad;
        table["RTE_MBUF_F_RX_IP_CKSUM_GOOD"] = (ulong)MbufFlags.RxIpChecksumGood;
        table["RTE_MBUF_F_RX_L4_CKSUM_MASK"] = (ulong)MbufFlags.RxL4ChecksumMask;
        table["RTE_MBUF_F_RX_L4_CKSUM_BAD"] = (ulong)MbufFlags.RxL4ChecksumBad;
        table["RTE_MBUF_F_RX_L4_CKSUM_GOOD"] = (ulong)MbufFlags.RxL4ChecksumGood;
        table["RTE_MBUF_F_RX_VLAN_STRIPPED"] = (ulong)MbufFlags.RxVlanStripped;
        table["RTE_MBUF_F_RX_QINQ_STRIPPED"] = (ulong)MbufFlags.RxQinQStripped;
        table["RTE_MBUF_F_RX_QINQ"] = (ulong)MbufFlags.RxQinQ;
        table["RTE_MBUF_F_TX_QINQ"] = (ulong)MbufFlags.TxQinQ;
        table["RTE_MBUF_F_TX_TCP_CKSUM"] = (ulong)MbufFlags.TxTcpChecksum;
        table["RTE_MBUF_F_TX_UDP_CKSUM"] = (ulong)MbufFlags.TxUdpChecksum;
        table["RTE_MBUF_F_TX_L4_MASK"] = (ulong)MbufFlags.TxL4Mask;
        table["RTE_MBUF_F_TX_IP_CKSUM"] = (ulong)MbufFlags.TxIpChecksum;
        table["RTE_MBUF_F_TX_IPV4"] = (ulong)MbufFlags.TxIpv4;
        table["RTE_MBUF_F_TX_IPV6"] = (ulong)MbufFlags.TxIpv6;
        table["RTE_MBUF_F_TX_VLAN"] = (ulong)MbufFlags.TxVlan;
        table["RTE_MBUF_F_EXTERNAL"] = (ulong)MbufFlags.ExternalBuffer;
        table["RTE_MBUF_F_INDIRECT"] = (ulong)MbufFlags.Indirect;
        table["RTE_PKTMBUF_HEADROOM"] = Mbuf.DefaultHeadroom;
        table["RTE_MBUF_L2_LEN_BITS"] = Mbuf.L2LengthBits;
        table["RTE_MBUF_L3_LEN_BITS"] = Mbuf.L3LengthBits;
        table["RTE_MBUF_L4_LEN_BITS"] = Mbuf.L4LengthBits;
        table["RTE_LOG_EMERG"] = (ulong)DpdkLogLevel.Emergency;
        table["RTE_LOG_DEBUG"] = (ulong)DpdkLogLevel.Debug;
    }

    private static void AddRssHashes(Dictionary<string, ulong> table)
    {
        table["RTE_ETH_RSS_IPV4"] = (ulong)RssHash.Ipv4;
        table["RTE_ETH_RSS_FRAG_IPV4"] = (ulong)RssHash.FragmentIpv4;
        table["RTE_ETH_RSS_NONFRAG_IPV4_TCP"] = (ulong)RssHash.Ipv4Tcp;
        table["RTE_ETH_RSS_NONFRAG_IPV4_UDP"] = (ulong)RssHash.Ipv4Udp;
        table["RTE_ETH_RSS_NONFRAG_IPV4_SCTP"] = (ulong)RssHash.Ipv4Sctp;
        table["RTE_ETH_RSS_NONFRAG_IPV4_OTHER"] = (ulong)RssHash.Ipv4Other;
        table["RTE_ETH_RSS_IPV6"] = (ulong)RssHash.Ipv6;
        table["RTE_ETH_RSS_FRAG_IPV6"] = (ulong)RssHash.FragmentIpv6;
        table["RTE_ETH_RSS_NONFRAG_IPV6_TCP"] = (ulong)RssHash.Ipv6Tcp;
        table["RTE_ETH_RSS_NONFRAG_IPV6_UDP"] = (ulong)RssHash.Ipv6Udp;
        table["RTE_ETH_RSS_NONFRAG_IPV6_SCTP"] = (ulong)RssHash.Ipv6Sctp;
        table["RTE_ETH_RSS_NONFRAG_IPV6_OTHER"] = (ulong)RssHash.Ipv6Other;
        table["RTE_ETH_RSS_L2_PAYLOAD"] = (ulong)RssHash.L2Payload;
        table["RTE_ETH_RSS_IPV6_EX"] = (ulong)RssHash.Ipv6Extension;
        table["RTE_ETH_RSS_IPV6_TCP_EX"] = (ulong)RssHash.Ipv6TcpExtension;
        table["RTE_ETH_RSS_IPV6_UDP_EX"] = (ulong)RssHash.Ipv6UdpExtension;
    }
}
