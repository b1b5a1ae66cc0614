#include <rte_common.h>
#include <rte_ethdev.h>

#include "kbdpdk.h"

static const struct {
    uint64_t ours;
    uint64_t rx;
    uint64_t tx;
} s_offloads[] = {
    { KB_OFFLOAD_RX_IPV4_CKSUM, RTE_ETH_RX_OFFLOAD_IPV4_CKSUM, 0 },
    { KB_OFFLOAD_RX_UDP_CKSUM, RTE_ETH_RX_OFFLOAD_UDP_CKSUM, 0 },
    { KB_OFFLOAD_RX_TCP_CKSUM, RTE_ETH_RX_OFFLOAD_TCP_CKSUM, 0 },
    { KB_OFFLOAD_RX_VLAN_STRIP, RTE_ETH_RX_OFFLOAD_VLAN_STRIP, 0 },
    { KB_OFFLOAD_RX_QINQ_STRIP, RTE_ETH_RX_OFFLOAD_QINQ_STRIP, 0 },
    { KB_OFFLOAD_RX_SCATTER, RTE_ETH_RX_OFFLOAD_SCATTER, 0 },
    { KB_OFFLOAD_RX_RSS_HASH, RTE_ETH_RX_OFFLOAD_RSS_HASH, 0 },
    { KB_OFFLOAD_TX_IPV4_CKSUM, 0, RTE_ETH_TX_OFFLOAD_IPV4_CKSUM },
    { KB_OFFLOAD_TX_UDP_CKSUM, 0, RTE_ETH_TX_OFFLOAD_UDP_CKSUM },
    { KB_OFFLOAD_TX_TCP_CKSUM, 0, RTE_ETH_TX_OFFLOAD_TCP_CKSUM },
    { KB_OFFLOAD_TX_VLAN_INSERT, 0, RTE_ETH_TX_OFFLOAD_VLAN_INSERT },
    { KB_OFFLOAD_TX_QINQ_INSERT, 0, RTE_ETH_TX_OFFLOAD_QINQ_INSERT },
    { KB_OFFLOAD_TX_MULTI_SEGS, 0, RTE_ETH_TX_OFFLOAD_MULTI_SEGS },
    { KB_OFFLOAD_TX_FAST_FREE, 0, RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE },
};

uint64_t kb_offload_from_dpdk(uint64_t rx, uint64_t tx)
{
    uint64_t offloads = 0;
    for (size_t i = 0; i < RTE_DIM(s_offloads); i++)
        if ((s_offloads[i].rx & rx) || (s_offloads[i].tx & tx))
            offloads |= s_offloads[i].ours;
    return offloads;
}

uint64_t kb_offload_to_rx(uint64_t offloads)
{
    uint64_t rx = 0;
    for (size_t i = 0; i < RTE_DIM(s_offloads); i++)
        if (s_offloads[i].ours & offloads)
            rx |= s_offloads[i].rx;
    return rx;
}

uint64_t kb_offload_to_tx(uint64_t offloads)
{
    uint64_t tx = 0;
    for (size_t i = 0; i < RTE_DIM(s_offloads); i++)
        if (s_offloads[i].ours & offloads)
            tx |= s_offloads[i].tx;
    return tx;
}
