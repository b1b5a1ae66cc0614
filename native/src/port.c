/* Ports on the control side: attach, configure, start, stop, detach. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "kbdpdk.h"

int kb_port_attach(const char *devargs, uint16_t *ports, uint32_t capacity)
{
    int error = rte_dev_probe(devargs);
    if (error != 0)
        return error;

    /* One PCI device may have several ports. */
    struct rte_dev_iterator iterator;
    uint16_t port;
    uint32_t count = 0;
    RTE_ETH_FOREACH_MATCHING_DEV(port, devargs, &iterator) {
        if (count < capacity)
            ports[count] = port;
        count++;
    }
    return (int)count;
}

static struct rte_device *device_of(uint16_t port)
{
    struct rte_eth_dev_info info;
    return rte_eth_dev_info_get(port, &info) == 0 ? info.device : NULL;
}

int kb_port_close(uint16_t port)
{
    return rte_eth_dev_close(port);
}

int kb_port_detach(uint16_t port)
{
    if (!rte_eth_dev_is_valid_port(port))
        return -ENODEV;
    struct rte_device *device = device_of(port); /* unknown once closed */
    int error = rte_eth_dev_close(port);
    if (error != 0)
        return error;
    return device != NULL ? rte_dev_remove(device) : 0;
}

uint16_t kb_port_next(uint16_t from)
{
    uint64_t next = rte_eth_find_next(from);
    return next < RTE_MAX_ETHPORTS ? (uint16_t)next : UINT16_MAX;
}

int kb_port_is_valid(uint16_t port)
{
    return rte_eth_dev_is_valid_port(port);
}

static int fail(struct kb_port_outcome *outcome, const char *step, int queue, int error)
{
    if (queue < 0)
        snprintf(outcome->step, sizeof(outcome->step), "%s", step);
    else
        snprintf(outcome->step, sizeof(outcome->step), "%s of queue %d", step, queue);
    return error < 0 ? error : -error;
}

uint32_t kb_frame_overhead(const struct rte_eth_dev_info *info)
{
    if (info->max_mtu != UINT16_MAX && info->max_rx_pktlen > info->max_mtu)
        return info->max_rx_pktlen - info->max_mtu;
    return RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN;
}

static int needs_scatter(const struct kb_port_conf *conf, const struct rte_eth_dev_info *info)
{
    uint32_t frame = (conf->mtu != 0 ? conf->mtu : RTE_ETHER_MTU) + kb_frame_overhead(info);
    for (uint16_t queue = 0; queue < conf->rx_queues; queue++)
        if (frame > (uint32_t)rte_pktmbuf_data_room_size(conf->rx_pools[queue]) - RTE_PKTMBUF_HEADROOM)
            return 1;
    return 0;
}

static void fill_configuration(const struct kb_port_conf *conf, const struct rte_eth_dev_info *info,
    struct kb_port_outcome *outcome, struct rte_eth_conf *eth)
{
    uint64_t wanted = conf->offloads;
    outcome->scatter_needed = (uint8_t)needs_scatter(conf, info);
    if (outcome->scatter_needed)
        wanted |= KB_OFFLOAD_RX_SCATTER;
    outcome->offloads_granted = wanted & kb_offload_from_dpdk(info->rx_offload_capa, info->tx_offload_capa);
    outcome->offloads_missing = wanted & ~outcome->offloads_granted;

    memset(eth, 0, sizeof(*eth));
    eth->rxmode.mtu = conf->mtu;
    eth->rxmode.offloads = kb_offload_to_rx(outcome->offloads_granted);
    eth->txmode.offloads = kb_offload_to_tx(outcome->offloads_granted);
    eth->intr_conf.rxq = conf->rx_interrupts ? 1 : 0;
    outcome->link_interrupt = conf->link_interrupt && (*info->dev_flags & RTE_ETH_DEV_INTR_LSC);
    eth->intr_conf.lsc = outcome->link_interrupt;

    outcome->rss_granted = conf->rss_hash & info->flow_type_rss_offloads;
    if (outcome->rss_granted != 0) {
        eth->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
        eth->rx_adv_conf.rss_conf.rss_hf = outcome->rss_granted;
        /* DPDK does not write through this pointer; its struct merely lacks the const. */
        eth->rx_adv_conf.rss_conf.rss_key = (uint8_t *)(uintptr_t)conf->rss_key;
        eth->rx_adv_conf.rss_conf.rss_key_len = conf->rss_key != NULL ? (uint8_t)conf->rss_key_length : 0;
    }
}

static int set_up_queues(uint16_t port, const struct kb_port_conf *conf, const struct rte_eth_dev_info *info,
    const struct rte_eth_conf *eth, struct kb_port_outcome *outcome)
{
    for (uint16_t queue = 0; queue < conf->rx_queues; queue++) {
        struct rte_eth_rxconf rx = info->default_rxconf;
        rx.offloads = eth->rxmode.offloads;
        int error = rte_eth_rx_queue_setup(port, queue, outcome->rx_descriptors,
            (unsigned int)rte_eth_dev_socket_id(port), &rx, conf->rx_pools[queue]);
        if (error != 0)
            return fail(outcome, "rte_eth_rx_queue_setup", queue, error);
    }
    for (uint16_t queue = 0; queue < conf->tx_queues; queue++) {
        struct rte_eth_txconf tx = info->default_txconf;
        tx.offloads = eth->txmode.offloads;
        int error = rte_eth_tx_queue_setup(port, queue, outcome->tx_descriptors,
            (unsigned int)rte_eth_dev_socket_id(port), &tx);
        if (error != 0)
            return fail(outcome, "rte_eth_tx_queue_setup", queue, error);
    }
    return 0;
}

#define DEFAULT_DESCRIPTORS 1024

int kb_port_configure(uint16_t port, const struct kb_port_conf *conf, struct kb_port_outcome *outcome)
{
    struct rte_eth_dev_info info;
    struct rte_eth_conf eth;

    memset(outcome, 0, sizeof(*outcome));
    int error = rte_eth_dev_info_get(port, &info);
    if (error != 0)
        return fail(outcome, "rte_eth_dev_info_get", -1, error);

    fill_configuration(conf, &info, outcome, &eth);
    error = rte_eth_dev_configure(port, conf->rx_queues, conf->tx_queues, &eth);
    if (error != 0)
        return fail(outcome, "rte_eth_dev_configure", -1, error);

    if (conf->mtu != 0) {
        /* Drivers that have no MTU of their own took it from the configuration. */
        error = rte_eth_dev_set_mtu(port, conf->mtu);
        if (error != 0 && error != -ENOTSUP)
            return fail(outcome, "rte_eth_dev_set_mtu", -1, error);
    }
    if (conf->set_mac) {
        error = kb_port_set_mac(port, conf->mac);
        if (error != 0)
            return fail(outcome, "rte_eth_dev_default_mac_addr_set", -1, error);
    }

    uint16_t rx = conf->rx_descriptors != 0 ? conf->rx_descriptors : info.default_rxportconf.ring_size;
    uint16_t tx = conf->tx_descriptors != 0 ? conf->tx_descriptors : info.default_txportconf.ring_size;
    outcome->rx_descriptors = rx != 0 ? rx : DEFAULT_DESCRIPTORS;
    outcome->tx_descriptors = tx != 0 ? tx : DEFAULT_DESCRIPTORS;
    error = rte_eth_dev_adjust_nb_rx_tx_desc(port, &outcome->rx_descriptors, &outcome->tx_descriptors);
    if (error != 0)
        return fail(outcome, "rte_eth_dev_adjust_nb_rx_tx_desc", -1, error);

    error = set_up_queues(port, conf, &info, &eth, outcome);
    if (error != 0)
        return error;
    error = rte_eth_dev_get_mtu(port, &outcome->mtu);
    return error == 0 ? 0 : fail(outcome, "rte_eth_dev_get_mtu", -1, error);
}

int kb_port_start(uint16_t port)
{
    return rte_eth_dev_start(port);
}

int kb_port_stop(uint16_t port)
{
    return rte_eth_dev_stop(port);
}

int kb_port_set_promiscuous(uint16_t port, int on)
{
    return on ? rte_eth_promiscuous_enable(port) : rte_eth_promiscuous_disable(port);
}

int kb_port_set_all_multicast(uint16_t port, int on)
{
    return on ? rte_eth_allmulticast_enable(port) : rte_eth_allmulticast_disable(port);
}

int kb_port_set_mac(uint16_t port, const uint8_t *mac)
{
    struct rte_ether_addr address;
    memcpy(address.addr_bytes, mac, sizeof(address.addr_bytes));
    return rte_eth_dev_default_mac_addr_set(port, &address);
}

int kb_port_set_mtu(uint16_t port, uint16_t mtu)
{
    return rte_eth_dev_set_mtu(port, mtu);
}

int kb_port_set_link(uint16_t port, int up)
{
    return up ? rte_eth_dev_set_link_up(port) : rte_eth_dev_set_link_down(port);
}

#define RETA_GROUPS (RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE)

int kb_port_set_reta(uint16_t port, const uint16_t *queues, uint16_t count)
{
    struct rte_eth_rss_reta_entry64 reta[RETA_GROUPS];
    if (count == 0 || count > RTE_ETH_RSS_RETA_SIZE_512)
        return -EINVAL;
    memset(reta, 0, sizeof(reta));
    for (uint16_t i = 0; i < count; i++) {
        reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1) << (i % RTE_ETH_RETA_GROUP_SIZE);
        reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = queues[i];
    }
    return rte_eth_dev_rss_reta_update(port, reta, count);
}

int kb_port_get_reta(uint16_t port, uint16_t *queues, uint16_t count)
{
    struct rte_eth_rss_reta_entry64 reta[RETA_GROUPS];
    if (count == 0 || count > RTE_ETH_RSS_RETA_SIZE_512)
        return -EINVAL;
    memset(reta, 0, sizeof(reta));
    for (uint16_t i = 0; i < count; i++)
        reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1) << (i % RTE_ETH_RETA_GROUP_SIZE);
    int error = rte_eth_dev_rss_reta_query(port, reta, count);
    if (error != 0)
        return error;
    for (uint16_t i = 0; i < count; i++)
        queues[i] = reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE];
    return 0;
}

int kb_port_set_rss(uint16_t port, uint64_t hash, const uint8_t *key, uint32_t key_length)
{
    struct rte_eth_rss_conf conf = {
        .rss_key = (uint8_t *)(uintptr_t)key,
        .rss_key_len = key != NULL ? (uint8_t)key_length : 0,
        .rss_hf = hash,
    };
    return rte_eth_dev_rss_hash_update(port, &conf);
}

int kb_port_get_rss(uint16_t port, uint64_t *hash, uint8_t *key, uint32_t key_capacity)
{
    struct rte_eth_rss_conf conf = {
        .rss_key = key_capacity != 0 ? key : NULL,
        .rss_key_len = (uint8_t)key_capacity,
    };
    int error = rte_eth_dev_rss_hash_conf_get(port, &conf);
    if (error == 0)
        *hash = conf.rss_hf;
    return error;
}
