/*
 * DPDK's log stream as a ring of lines.
 *
 * DPDK writes to a FILE from any of its threads: EAL's control threads, lcores, ours. No managed code runs on them: the
 * line is copied here and a managed thread takes it. The FILE is unbuffered, so that a write arrives on the thread that
 * logs it, where rte_log_cur_msg_loglevel() is that message's level; pieces of one line are joined per thread.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <rte_log.h>

#include "kbdpdk.h"

#define LOG_LINES 1024u /* a power of two */

static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kb_log_line s_lines[LOG_LINES];
static uint32_t s_head; /* next to write */
static uint32_t s_tail; /* next to take */
static _Atomic uint64_t s_lost;
static FILE *s_stream;

static __thread struct kb_log_line t_partial;

static void publish(struct kb_log_line *line)
{
    if (line->length == 0)
        return;
    if (line->level <= RTE_LOG_CRIT) {
        /* rte_panic aborts right after this: the ring would never be read. */
        ssize_t ignored = write(STDERR_FILENO, line->text, line->length);
        ignored = write(STDERR_FILENO, "\n", 1);
        (void)ignored;
    }
    pthread_mutex_lock(&s_lock);
    if (s_head - s_tail < LOG_LINES) {
        struct kb_log_line *slot = &s_lines[s_head % LOG_LINES];
        slot->level = line->level;
        slot->type = line->type;
        slot->length = line->length;
        memcpy(slot->text, line->text, line->length);
        s_head++;
    } else {
        atomic_fetch_add_explicit(&s_lost, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&s_lock);
    line->length = 0;
    kb_notice_post_unless_worker();
}

static ssize_t on_write(void *cookie, const char *data, size_t size)
{
    (void)cookie;
    struct kb_log_line *line = &t_partial;
    uint32_t level = (uint32_t)rte_log_cur_msg_loglevel();
    uint32_t type = (uint32_t)rte_log_cur_msg_logtype();

    if (line->length != 0 && (line->level != level || line->type != type))
        publish(line); /* a message that never got its newline */
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            publish(line);
            continue;
        }
        line->level = level;
        line->type = type;
        line->text[line->length++] = data[i];
        if (line->length == KB_LOG_TEXT)
            publish(line);
    }
    return (ssize_t)size;
}

int kb_log_open(void)
{
    if (s_stream != NULL)
        return 0;
    cookie_io_functions_t functions = { .write = on_write };
    s_stream = fopencookie(NULL, "w", functions);
    if (s_stream == NULL)
        return -ENOMEM;
    setvbuf(s_stream, NULL, _IONBF, 0);
    return rte_openlog_stream(s_stream);
}

int kb_log_take(struct kb_log_line *line)
{
    int taken = 0;
    pthread_mutex_lock(&s_lock);
    if (s_tail != s_head) {
        const struct kb_log_line *slot = &s_lines[s_tail % LOG_LINES];
        line->level = slot->level;
        line->type = slot->type;
        line->length = slot->length;
        memcpy(line->text, slot->text, slot->length);
        s_tail++;
        taken = 1;
    }
    pthread_mutex_unlock(&s_lock);
    return taken;
}

uint64_t kb_log_lost(void)
{
    return atomic_load_explicit(&s_lost, memory_order_relaxed);
}

void kb_log_close(void)
{
    /* The FILE itself stays: a DPDK thread may be about to write to it. */
    rte_openlog_stream(NULL);
}
