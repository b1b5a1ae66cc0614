/* What a port is and has counted. */
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>

#include "kbdpdk.h"

/* The MTU that rte_eth_dev_configure will take: drivers also limit the frame, some (net_tap) only that. */
static uint16_t usable_mtu(const struct rte_eth_dev_info *info)
{
    uint32_t overhead = kb_frame_overhead(info);
    uint32_t by_frame = info->max_rx_pktlen > overhead ? info->max_rx_pktlen - overhead : 0;
    return by_frame < info->max_mtu ? (uint16_t)by_frame : info->max_mtu;
}

int kb_port_info(uint16_t port, struct kb_port_info *out)
{
    struct rte_eth_dev_info info;
    memset(out, 0, sizeof(*out));
    int error = rte_eth_dev_info_get(port, &info);
    if (error != 0)
        return error;

    out->offloads = kb_offload_from_dpdk(info.rx_offload_capa, info.tx_offload_capa);
    out->rss_hash = info.flow_type_rss_offloads;
    out->socket = rte_eth_dev_socket_id(port);
    out->if_index = info.if_index;
    out->min_rx_buffer = info.min_rx_bufsize;
    out->max_rx_packet = info.max_rx_pktlen;
    out->hash_key_size = info.hash_key_size;
    out->min_mtu = info.min_mtu;
    out->max_mtu = usable_mtu(&info);
    out->max_rx_queues = info.max_rx_queues;
    out->max_tx_queues = info.max_tx_queues;
    out->rx_desc_min = info.rx_desc_lim.nb_min;
    out->rx_desc_max = info.rx_desc_lim.nb_max;
    out->rx_desc_align = info.rx_desc_lim.nb_align;
    out->tx_desc_min = info.tx_desc_lim.nb_min;
    out->tx_desc_max = info.tx_desc_lim.nb_max;
    out->tx_desc_align = info.tx_desc_lim.nb_align;
    out->reta_size = info.reta_size;
    out->link_interrupt = (*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
    snprintf(out->driver, sizeof(out->driver), "%s", info.driver_name);

    char name[RTE_ETH_NAME_MAX_LEN];
    error = rte_eth_dev_get_name_by_port(port, name);
    if (error != 0)
        return error;
    snprintf(out->name, sizeof(out->name), "%s", name);

    struct rte_ether_addr mac;
    error = rte_eth_macaddr_get(port, &mac);
    if (error != 0)
        return error;
    memcpy(out->mac, mac.addr_bytes, sizeof(out->mac));
    return rte_eth_dev_get_mtu(port, &out->mtu);
}

int kb_port_link(uint16_t port, struct kb_port_link *out)
{
    struct rte_eth_link link;
    memset(out, 0, sizeof(*out));
    int error = rte_eth_link_get_nowait(port, &link);
    if (error != 0)
        return error;
    out->speed_mbps = link.link_speed;
    out->up = link.link_status == RTE_ETH_LINK_UP;
    out->full_duplex = link.link_duplex == RTE_ETH_LINK_FULL_DUPLEX;
    out->autonegotiated = link.link_autoneg == RTE_ETH_LINK_AUTONEG;
    return 0;
}

int kb_port_promiscuous(uint16_t port)
{
    return rte_eth_promiscuous_get(port);
}

int kb_port_all_multicast(uint16_t port)
{
    return rte_eth_allmulticast_get(port);
}

int kb_port_stats(uint16_t port, struct kb_port_stats *out)
{
    struct rte_eth_stats stats;
    int error = rte_eth_stats_get(port, &stats);
    if (error != 0)
        return error;
    out->rx_packets = stats.ipackets;
    out->tx_packets = stats.opackets;
    out->rx_bytes = stats.ibytes;
    out->tx_bytes = stats.obytes;
    out->rx_missed = stats.imissed;
    out->rx_errors = stats.ierrors;
    out->tx_errors = stats.oerrors;
    out->rx_no_mbuf = stats.rx_nombuf;
    return 0;
}

_Static_assert(KB_STATS_QUEUES <= RTE_ETHDEV_QUEUE_STAT_CNTRS, "DPDK counts fewer queues");

int kb_port_queue_stats(uint16_t port, struct kb_queue_stats *queues, uint32_t count)
{
    struct rte_eth_stats stats;
    if (count > KB_STATS_QUEUES)
        return -EINVAL;
    int error = rte_eth_stats_get(port, &stats);
    if (error != 0)
        return error;
    for (uint32_t i = 0; i < count; i++) {
        queues[i].rx_packets = stats.q_ipackets[i];
        queues[i].tx_packets = stats.q_opackets[i];
        queues[i].rx_bytes = stats.q_ibytes[i];
        queues[i].tx_bytes = stats.q_obytes[i];
        queues[i].rx_errors = stats.q_errors[i];
    }
    return 0;
}

int kb_port_stats_reset(uint16_t port)
{
    return rte_eth_stats_reset(port);
}

_Static_assert(sizeof(struct kb_xstat_name) == sizeof(struct rte_eth_xstat_name), "kb_xstat_name is rte_eth_xstat_name");

int kb_port_xstats_names(uint16_t port, struct kb_xstat_name *names, uint32_t capacity)
{
    return rte_eth_xstats_get_names(port, (struct rte_eth_xstat_name *)names, capacity);
}

int kb_port_xstats_values(uint16_t port, uint64_t *values, uint32_t count)
{
    return rte_eth_xstats_get_by_id(port, NULL, values, count);
}

int kb_port_xstats_reset(uint16_t port)
{
    return rte_eth_xstats_reset(port);
}
