#include <rte_errno.h>
#include <rte_ring.h>

#include "kbdpdk.h"

struct rte_ring *kb_ring_create(const char *name, uint32_t size, int socket, uint32_t flags, int *error)
{
    /* EXACT_SZ: a ring of `size` holds `size`, not the power of two less one. */
    unsigned int ring_flags = RING_F_EXACT_SZ;
    if (flags & KB_RING_SINGLE_PRODUCER)
        ring_flags |= RING_F_SP_ENQ;
    if (flags & KB_RING_SINGLE_CONSUMER)
        ring_flags |= RING_F_SC_DEQ;
    struct rte_ring *ring = rte_ring_create(name, size, socket, ring_flags);
    *error = ring == NULL ? -rte_errno : 0;
    return ring;
}

void kb_ring_free(struct rte_ring *ring)
{
    rte_ring_free(ring);
}

uint32_t kb_ring_enqueue_burst(struct rte_ring *ring, void *const *objects, uint32_t count)
{
    return rte_ring_enqueue_burst(ring, objects, count, NULL);
}

uint32_t kb_ring_dequeue_burst(struct rte_ring *ring, void **objects, uint32_t count)
{
    return rte_ring_dequeue_burst(ring, objects, count, NULL);
}

uint32_t kb_ring_enqueue_bulk(struct rte_ring *ring, void *const *objects, uint32_t count)
{
    return rte_ring_enqueue_bulk(ring, objects, count, NULL);
}

uint32_t kb_ring_count(const struct rte_ring *ring)
{
    return rte_ring_count(ring);
}

uint32_t kb_ring_free_count(const struct rte_ring *ring)
{
    return rte_ring_free_count(ring);
}

uint32_t kb_ring_capacity(const struct rte_ring *ring)
{
    return rte_ring_get_capacity(ring);
}
