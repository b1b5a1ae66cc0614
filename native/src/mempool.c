#include <errno.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include "kbdpdk.h"

/*
 * Whether an mbuf may lie across a page boundary: it may where no device needs its physical addresses contiguous. It should,
 * too: without hugepages DPDK would otherwise give every mbuf a 4 KB page of its own, so that all begin in the same cache
 * sets; and net_af_xdp takes the pool for one array without gaps, and loses the packets behind its supposed end.
 */
static unsigned int pool_flags(void)
{
    return !rte_eal_has_hugepages() || rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0;
}

static int populate(struct rte_mempool *pool, uint16_t data_room, uint16_t private_size)
{
    struct rte_pktmbuf_pool_private sizes = { .mbuf_data_room_size = data_room, .mbuf_priv_size = private_size };

    int error = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
    if (error != 0)
        return error;
    rte_pktmbuf_pool_init(pool, &sizes);
    int objects = rte_mempool_populate_default(pool);
    if (objects < 0)
        return objects;
    rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
    return 0;
}

/* As rte_pktmbuf_pool_create, which takes no flags. */
struct rte_mempool *kb_pool_create(const char *name, uint32_t count, uint32_t cache, uint16_t private_size,
    uint16_t data_room, int socket, int *error)
{
    unsigned int element = (unsigned int)sizeof(struct rte_mbuf) + private_size + data_room;
    struct rte_mempool *pool = rte_mempool_create_empty(
        name, count, element, cache, sizeof(struct rte_pktmbuf_pool_private), socket, pool_flags());
    if (pool == NULL) {
        *error = rte_errno != 0 ? -rte_errno : -EINVAL;
        return NULL;
    }
    *error = populate(pool, data_room, private_size);
    if (*error == 0)
        return pool;
    rte_mempool_free(pool);
    return NULL;
}

uint32_t kb_pool_chunks(const struct rte_mempool *pool)
{
    return pool->nb_mem_chunks;
}

void kb_pool_free(struct rte_mempool *pool)
{
    rte_mempool_free(pool);
}

uint32_t kb_pool_size(const struct rte_mempool *pool)
{
    return pool->size;
}

uint32_t kb_pool_available(const struct rte_mempool *pool)
{
    return rte_mempool_avail_count(pool);
}

uint32_t kb_pool_in_use(const struct rte_mempool *pool)
{
    return rte_mempool_in_use_count(pool);
}
