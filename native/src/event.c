/* Port events, which DPDK reports on its own threads, queued for the managed thread that drains them. */
#include <pthread.h>
#include <stdatomic.h>

#include <rte_ethdev.h>

#include "kbdpdk.h"

#define EVENTS 256u /* a power of two */

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kb_event s_events[EVENTS];
static uint32_t s_head;
static uint32_t s_tail;
static _Atomic uint64_t s_lost;

static const struct {
    enum rte_eth_event_type type;
    uint32_t kind;
} s_kinds[] = {
    { RTE_ETH_EVENT_INTR_LSC, KB_EVENT_LINK },
    { RTE_ETH_EVENT_INTR_RMV, KB_EVENT_REMOVED },
    { RTE_ETH_EVENT_INTR_RESET, KB_EVENT_RESET },
    { RTE_ETH_EVENT_ERR_RECOVERING, KB_EVENT_RECOVERING },
    { RTE_ETH_EVENT_RECOVERY_SUCCESS, KB_EVENT_RECOVERY_SUCCESS },
    { RTE_ETH_EVENT_RECOVERY_FAILED, KB_EVENT_RECOVERY_FAILED },
};

static int on_event(uint16_t port, enum rte_eth_event_type type, void *argument, void *detail)
{
    (void)argument;
    (void)detail;
    for (size_t i = 0; i < RTE_DIM(s_kinds); i++) {
        if (s_kinds[i].type != type)
            continue;
        pthread_mutex_lock(&s_lock);
        if (s_head - s_tail < EVENTS) {
            s_events[s_head % EVENTS].kind = s_kinds[i].kind;
            s_events[s_head % EVENTS].port = port;
            s_head++;
        } else {
            atomic_fetch_add_explicit(&s_lost, 1, memory_order_relaxed);
        }
        pthread_mutex_unlock(&s_lock);
        kb_notice_post_unless_worker();
    }
    return 0;
}

int kb_event_open(void)
{
    for (size_t i = 0; i < RTE_DIM(s_kinds); i++) {
        int error = rte_eth_dev_callback_register(RTE_ETH_ALL, s_kinds[i].type, on_event, NULL);
        if (error != 0)
            return error;
    }
    return 0;
}

void kb_event_close(void)
{
    for (size_t i = 0; i < RTE_DIM(s_kinds); i++)
        rte_eth_dev_callback_unregister(RTE_ETH_ALL, s_kinds[i].type, on_event, NULL);
}

int kb_event_take(struct kb_event *event)
{
    int taken = 0;
    pthread_mutex_lock(&s_lock);
    if (s_tail != s_head) {
        *event = s_events[s_tail++ % EVENTS];
        taken = 1;
    }
    pthread_mutex_unlock(&s_lock);
    return taken;
}

uint64_t kb_event_lost(void)
{
    return atomic_load_explicit(&s_lost, memory_order_relaxed);
}
