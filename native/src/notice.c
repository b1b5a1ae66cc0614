#include <semaphore.h>
#include <time.h>

#include <rte_lcore.h>

#include "kbdpdk.h"

static sem_t s_notice;

__attribute__((constructor)) static void create(void)
{
    sem_init(&s_notice, 0, 0);
}

void kb_notice_wait(int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    if (sem_timedwait(&s_notice, &until) != 0)
        return;
    /* One drain answers every post so far. */
    while (sem_trywait(&s_notice) == 0)
        ;
}

void kb_notice_post(void)
{
    sem_post(&s_notice);
}

void kb_notice_post_unless_worker(void)
{
    unsigned int lcore = rte_lcore_id();
    if (lcore == LCORE_ID_ANY || lcore == rte_get_main_lcore())
        sem_post(&s_notice);
}
