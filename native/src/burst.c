/* The packet path: DPDK's static inlines made callable, one call a burst. */
#include <errno.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "kbdpdk.h"

uint16_t kb_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
    return rte_eth_rx_burst(port, queue, packets, count);
}

uint16_t kb_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
    return rte_eth_tx_burst(port, queue, packets, count);
}

uint16_t kb_tx_prepare(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
    return rte_eth_tx_prepare(port, queue, packets, count);
}

int kb_rx_queue_count(uint16_t port, uint16_t queue)
{
    return rte_eth_rx_queue_count(port, queue);
}

struct rte_mbuf *kb_mbuf_alloc(struct rte_mempool *pool)
{
    return rte_pktmbuf_alloc(pool);
}

int kb_mbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **packets, uint32_t count)
{
    return rte_pktmbuf_alloc_bulk(pool, packets, count);
}

void kb_mbuf_free(struct rte_mbuf *packet)
{
    rte_pktmbuf_free(packet);
}

void kb_mbuf_free_bulk(struct rte_mbuf **packets, uint32_t count)
{
    rte_pktmbuf_free_bulk(packets, count);
}

struct rte_mbuf *kb_mbuf_copy(const struct rte_mbuf *packet, struct rte_mempool *pool, uint32_t offset, uint32_t length)
{
    return rte_pktmbuf_copy(packet, pool, offset, length);
}

struct rte_mbuf *kb_mbuf_clone(struct rte_mbuf *packet, struct rte_mempool *pool)
{
    return rte_pktmbuf_clone(packet, pool);
}

void kb_mbuf_add_references(struct rte_mbuf *packet, int16_t count)
{
    rte_pktmbuf_refcnt_update(packet, count);
}

int kb_mbuf_linearize(struct rte_mbuf *packet)
{
    return rte_pktmbuf_linearize(packet) == 0 ? 0 : -ENOSPC;
}

int kb_mbuf_check(const struct rte_mbuf *packet, const char **reason)
{
    return rte_mbuf_check(packet, 1, reason) == 0 ? 0 : -EINVAL;
}
