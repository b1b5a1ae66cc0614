#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "kbdpdk.h"

struct rte_mempool *kb_pool_create(const char *name, uint32_t count, uint32_t cache, uint16_t private_size,
    uint16_t data_room, int socket, int *error)
{
    struct rte_mempool *pool = rte_pktmbuf_pool_create(name, count, cache, private_size, data_room, socket);
    *error = pool == NULL ? -rte_errno : 0;
    return pool;
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
