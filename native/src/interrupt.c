/* Rx interrupts: a set of (port, queue) that one lcore sleeps on, and can be woken from. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>

#include "kbdpdk.h"

struct kb_interrupt_set {
    int epoll_fd;
    int wake_fd;
    struct rte_epoll_event wake_event;
    uint32_t count;
    struct {
        uint16_t port;
        uint16_t queue;
        uint8_t always_on; /* the driver has the interrupt but no switch for it (net_tap: its file is the interrupt) */
    } queues[KB_INTERRUPT_QUEUES];
};

#define WAKE_TAG ((void *)UINTPTR_MAX)

struct kb_interrupt_set *kb_interrupt_create(int *error)
{
    struct kb_interrupt_set *set = calloc(1, sizeof(*set));
    if (set == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    set->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    set->wake_event.epdata.event = EPOLLIN;
    set->wake_event.epdata.data = WAKE_TAG;
    if (set->epoll_fd < 0 || set->wake_fd < 0) {
        *error = -errno;
    } else if (rte_epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, set->wake_fd, &set->wake_event) != 0) {
        *error = -EIO;
    } else {
        *error = 0;
        return set;
    }
    kb_interrupt_free(set);
    return NULL;
}

void kb_interrupt_free(struct kb_interrupt_set *set)
{
    while (set->count != 0)
        kb_interrupt_remove(set, set->queues[0].port, set->queues[0].queue);
    if (set->wake_fd >= 0)
        close(set->wake_fd);
    if (set->epoll_fd >= 0)
        close(set->epoll_fd);
    free(set);
}

int kb_interrupt_add(struct kb_interrupt_set *set, uint16_t port, uint16_t queue)
{
    if (set->count == KB_INTERRUPT_QUEUES)
        return -ENOSPC;
    int error = rte_eth_dev_rx_intr_enable(port, queue);
    int always_on = error == -ENOTSUP;
    if (error == 0)
        error = rte_eth_dev_rx_intr_disable(port, queue);
    if (error != 0 && !always_on)
        return error;
    void *tag = (void *)(uintptr_t)(((uint32_t)port << 16) | queue);
    error = rte_eth_dev_rx_intr_ctl_q(port, queue, set->epoll_fd, RTE_INTR_EVENT_ADD, tag);
    if (error != 0)
        return always_on ? -ENOTSUP : error < 0 ? error : -error;
    set->queues[set->count].port = port;
    set->queues[set->count].queue = queue;
    set->queues[set->count].always_on = (uint8_t)always_on;
    set->count++;
    return 0;
}

int kb_interrupt_remove(struct kb_interrupt_set *set, uint16_t port, uint16_t queue)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->queues[i].port != port || set->queues[i].queue != queue)
            continue;
        set->queues[i] = set->queues[--set->count];
        return rte_eth_dev_rx_intr_ctl_q(port, queue, set->epoll_fd, RTE_INTR_EVENT_DEL, NULL);
    }
    return -ENOENT;
}

int kb_interrupt_arm(struct kb_interrupt_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->queues[i].always_on)
            continue;
        int error = rte_eth_dev_rx_intr_enable(set->queues[i].port, set->queues[i].queue);
        if (error != 0)
            return error;
    }
    return 0;
}

int kb_interrupt_disarm(struct kb_interrupt_set *set)
{
    int result = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->queues[i].always_on)
            continue;
        int error = rte_eth_dev_rx_intr_disable(set->queues[i].port, set->queues[i].queue);
        if (error != 0)
            result = error;
    }
    return result;
}

int kb_interrupt_wait(struct kb_interrupt_set *set, int timeout_ms)
{
    struct rte_epoll_event events[KB_INTERRUPT_QUEUES + 1];
    int count = rte_epoll_wait(set->epoll_fd, events, KB_INTERRUPT_QUEUES + 1, timeout_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].epdata.data == WAKE_TAG) {
            uint64_t wakes;
            ssize_t ignored = read(set->wake_fd, &wakes, sizeof(wakes));
            (void)ignored;
        }
    }
    return count < 0 ? -errno : count;
}

int kb_interrupt_wake(struct kb_interrupt_set *set)
{
    uint64_t one = 1;
    return write(set->wake_fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}
