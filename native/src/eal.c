#include <errno.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "kbdpdk.h"

int kb_eal_init(int argc, char **argv)
{
    rte_errno = 0;
    if (rte_eal_init(argc, argv) >= 0)
        return 0;
    return rte_errno != 0 ? -rte_errno : -EINVAL;
}

int kb_eal_cleanup(void)
{
    return rte_eal_cleanup();
}

const char *kb_eal_runtime_dir(void)
{
    return rte_eal_get_runtime_dir();
}

int kb_eal_iova_mode(void)
{
    return (int)rte_eal_iova_mode();
}

int kb_eal_has_hugepages(void)
{
    return rte_eal_has_hugepages();
}

const char *kb_strerror(int error)
{
    return rte_strerror(error < 0 ? -error : error);
}

uint32_t kb_lcore_main(void)
{
    return rte_get_main_lcore();
}

uint32_t kb_lcore_count(void)
{
    return rte_lcore_count();
}

uint32_t kb_lcore_current(void)
{
    return rte_lcore_id();
}

uint32_t kb_lcore_next_worker(uint32_t lcore)
{
    uint32_t next = rte_get_next_lcore(lcore, 1, 0);
    return next < RTE_MAX_LCORE ? next : UINT32_MAX;
}

int kb_lcore_is_enabled(uint32_t lcore)
{
    return lcore < RTE_MAX_LCORE && rte_lcore_is_enabled(lcore);
}

int kb_lcore_cpu(uint32_t lcore)
{
    return lcore < RTE_MAX_LCORE ? rte_lcore_to_cpu_id((int)lcore) : -EINVAL;
}

int kb_lcore_socket(uint32_t lcore)
{
    return lcore < RTE_MAX_LCORE ? (int)rte_lcore_to_socket_id(lcore) : -EINVAL;
}

int kb_lcore_state(uint32_t lcore)
{
    if (!kb_lcore_is_enabled(lcore))
        return -EINVAL;
    return rte_eal_get_lcore_state(lcore) == WAIT ? 0 : 1;
}

int kb_lcore_launch(uint32_t lcore, int (*function)(void *), void *argument)
{
    /* DPDK indexes its table without a look. */
    if (!kb_lcore_is_enabled(lcore) || lcore == rte_get_main_lcore())
        return -EINVAL;
    return rte_eal_remote_launch(function, argument, lcore);
}

int kb_lcore_wait(uint32_t lcore)
{
    return kb_lcore_is_enabled(lcore) ? rte_eal_wait_lcore(lcore) : -EINVAL;
}

int kb_thread_register(void)
{
    return rte_thread_register() == 0 ? 0 : -rte_errno;
}

void kb_thread_unregister(void)
{
    rte_thread_unregister();
}

uint64_t kb_tsc_read(void)
{
    return rte_rdtsc();
}

uint64_t kb_tsc_hz(void)
{
    return rte_get_tsc_hz();
}
