/*
 * libkbdpdk: the C shim between KernelBypass.Dpdk (C#) and DPDK.
 *
 * Every struct here is ours: DPDK's own structs change between versions and stay on the C side, except rte_mbuf, whose
 * fields C# reads in place and whose layout kb_layout_table() reports so that C# can refuse a mismatch.
 * Functions return 0 or a count, or a negative errno, unless said otherwise.
 */
#ifndef KBDPDK_H
#define KBDPDK_H

#include <stddef.h>
#include <stdint.h>

/* Raised whenever a struct or a function below changes. C# refuses another number. */
#define KB_ABI_VERSION 2

#define KB_API __attribute__((visibility("default")))

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

/* ---- layout.c ---- */

struct kb_layout_entry {
    const char *name;
    uint64_t value;
};

/* The table of sizes, offsets and flag values this library was compiled with; its length goes to *count. */
KB_API const struct kb_layout_entry *kb_layout_table(uint32_t *count);
KB_API uint32_t kb_abi_version(void);
/* DPDK's version: the headers compiled against (compiled != 0) or the library loaded. */
KB_API const char *kb_dpdk_version(int compiled);

/* ---- notice.c: wakes the one thread that drains log lines and events ---- */

/* Waits until something may be there, or timeout_ms passed. */
KB_API void kb_notice_wait(int timeout_ms);
KB_API void kb_notice_post(void);
/* Internal: as kb_notice_post, but never from a worker lcore, which must not pay for waking a sleeper. */
void kb_notice_post_unless_worker(void);

/* ---- log.c ---- */

#define KB_LOG_TEXT 488

struct kb_log_line {
    uint32_t level; /* RTE_LOG_EMERG (1) .. RTE_LOG_DEBUG (8) */
    uint32_t type;  /* RTE_LOGTYPE_* */
    uint32_t length;
    char text[KB_LOG_TEXT]; /* one line, no newline, not terminated */
};

/* Puts DPDK's log stream into our ring. Before kb_eal_init. */
KB_API int kb_log_open(void);
/* Takes the oldest line: 1, or 0 when there is none. */
KB_API int kb_log_take(struct kb_log_line *line);
/* Lines lost because the ring was full, since start. */
KB_API uint64_t kb_log_lost(void);
/* Gives DPDK its standard stream back. */
KB_API void kb_log_close(void);

/* ---- eal.c ---- */

KB_API int kb_eal_init(int argc, char **argv);
KB_API int kb_eal_cleanup(void);
KB_API const char *kb_eal_runtime_dir(void);
KB_API int kb_eal_iova_mode(void);
KB_API int kb_eal_has_hugepages(void);
KB_API const char *kb_strerror(int error);

KB_API uint32_t kb_lcore_main(void);
KB_API uint32_t kb_lcore_count(void);
KB_API uint32_t kb_lcore_current(void); /* UINT32_MAX on a thread that is no lcore */
/* The first enabled worker lcore after `lcore` (UINT32_MAX starts), or UINT32_MAX. */
KB_API uint32_t kb_lcore_next_worker(uint32_t lcore);
KB_API int kb_lcore_is_enabled(uint32_t lcore);
KB_API int kb_lcore_cpu(uint32_t lcore);
KB_API int kb_lcore_socket(uint32_t lcore);
KB_API int kb_lcore_state(uint32_t lcore); /* 0 waiting, 1 running */
KB_API int kb_lcore_launch(uint32_t lcore, int (*function)(void *), void *argument);
KB_API int kb_lcore_wait(uint32_t lcore);
KB_API int kb_thread_register(void);
KB_API void kb_thread_unregister(void);

KB_API uint64_t kb_tsc_read(void);
KB_API uint64_t kb_tsc_hz(void);

/* ---- burst.c: the packet path ---- */

KB_API uint16_t kb_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count);
KB_API uint16_t kb_tx_burst(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count);
KB_API uint16_t kb_tx_prepare(uint16_t port, uint16_t queue, struct rte_mbuf **packets, uint16_t count);
KB_API int kb_rx_queue_count(uint16_t port, uint16_t queue);
KB_API struct rte_mbuf *kb_mbuf_alloc(struct rte_mempool *pool);
KB_API int kb_mbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **packets, uint32_t count);
KB_API void kb_mbuf_free(struct rte_mbuf *packet);
KB_API void kb_mbuf_free_bulk(struct rte_mbuf **packets, uint32_t count);
/* A copy of `length` bytes from `offset` (UINT32_MAX: to the end), or NULL when the pool is empty. */
KB_API struct rte_mbuf *kb_mbuf_copy(const struct rte_mbuf *packet, struct rte_mempool *pool, uint32_t offset, uint32_t length);
/* An indirect packet over the same data, or NULL when the pool is empty. */
KB_API struct rte_mbuf *kb_mbuf_clone(struct rte_mbuf *packet, struct rte_mempool *pool);
/* Adds `count` to the reference count of every segment: as many more kb_mbuf_free are then due. */
KB_API void kb_mbuf_add_references(struct rte_mbuf *packet, int16_t count);
KB_API int kb_mbuf_linearize(struct rte_mbuf *packet);
/* 0 or a negative errno with *reason set. */
KB_API int kb_mbuf_check(const struct rte_mbuf *packet, const char **reason);

/* ---- mempool.c ---- */

KB_API struct rte_mempool *kb_pool_create(const char *name, uint32_t count, uint32_t cache, uint16_t private_size,
    uint16_t data_room, int socket, int *error);
/* Pieces of memory that it lies in; net_af_xdp wants one. */
KB_API uint32_t kb_pool_chunks(const struct rte_mempool *pool);
KB_API void kb_pool_free(struct rte_mempool *pool);
KB_API uint32_t kb_pool_size(const struct rte_mempool *pool);
KB_API uint32_t kb_pool_available(const struct rte_mempool *pool);
KB_API uint32_t kb_pool_in_use(const struct rte_mempool *pool);

/* ---- ring.c ---- */

#define KB_RING_SINGLE_PRODUCER 1u
#define KB_RING_SINGLE_CONSUMER 2u

KB_API struct rte_ring *kb_ring_create(const char *name, uint32_t size, int socket, uint32_t flags, int *error);
KB_API void kb_ring_free(struct rte_ring *ring);
KB_API uint32_t kb_ring_enqueue_burst(struct rte_ring *ring, void *const *objects, uint32_t count);
KB_API uint32_t kb_ring_dequeue_burst(struct rte_ring *ring, void **objects, uint32_t count);
KB_API uint32_t kb_ring_enqueue_bulk(struct rte_ring *ring, void *const *objects, uint32_t count);
KB_API uint32_t kb_ring_count(const struct rte_ring *ring);
KB_API uint32_t kb_ring_free_count(const struct rte_ring *ring);
KB_API uint32_t kb_ring_capacity(const struct rte_ring *ring);

/* ---- offload.c: our offload bits, so that rx and tx share one set and DPDK may renumber ---- */

#define KB_OFFLOAD_RX_IPV4_CKSUM (1ull << 0)
#define KB_OFFLOAD_RX_UDP_CKSUM (1ull << 1)
#define KB_OFFLOAD_RX_TCP_CKSUM (1ull << 2)
#define KB_OFFLOAD_RX_VLAN_STRIP (1ull << 3)
#define KB_OFFLOAD_RX_QINQ_STRIP (1ull << 4)
#define KB_OFFLOAD_RX_SCATTER (1ull << 5)
#define KB_OFFLOAD_RX_RSS_HASH (1ull << 6)
#define KB_OFFLOAD_TX_IPV4_CKSUM (1ull << 32)
#define KB_OFFLOAD_TX_UDP_CKSUM (1ull << 33)
#define KB_OFFLOAD_TX_TCP_CKSUM (1ull << 34)
#define KB_OFFLOAD_TX_VLAN_INSERT (1ull << 35)
#define KB_OFFLOAD_TX_QINQ_INSERT (1ull << 36)
#define KB_OFFLOAD_TX_MULTI_SEGS (1ull << 37)
#define KB_OFFLOAD_TX_FAST_FREE (1ull << 38)

uint64_t kb_offload_from_dpdk(uint64_t rx, uint64_t tx);
uint64_t kb_offload_to_rx(uint64_t offloads);
uint64_t kb_offload_to_tx(uint64_t offloads);

/* ---- software_offload.c ---- */

/*
 * Does in software what the packets' ol_flags ask for and the device lacks (`missing`, KB_OFFLOAD_TX_*), and clears those
 * flags. Packets that could not be helped (no room for the tag, headers across segments) are moved behind the others;
 * returns how many at the front may be sent.
 */
KB_API uint16_t kb_tx_software(uint64_t missing, struct rte_mbuf **packets, uint16_t count);

/* ---- port.c ---- */

struct kb_port_conf {
    uint64_t offloads; /* KB_OFFLOAD_* wanted */
    uint64_t rss_hash; /* RTE_ETH_RSS_* wanted; 0: no RSS */
    struct rte_mempool *const *rx_pools; /* one per rx queue */
    const uint8_t *rss_key;              /* NULL: the driver's */
    uint32_t rss_key_length;
    uint16_t rx_queues;
    uint16_t tx_queues;
    uint16_t rx_descriptors; /* 0: the driver's preference */
    uint16_t tx_descriptors;
    uint16_t mtu; /* 0: leave */
    uint8_t rx_interrupts;
    uint8_t link_interrupt;
    uint8_t set_mac;
    uint8_t mac[6];
};

#define KB_STEP_TEXT 64

struct kb_port_outcome {
    uint64_t offloads_granted;
    uint64_t offloads_missing;
    uint64_t rss_granted;
    uint16_t rx_descriptors;
    uint16_t tx_descriptors;
    uint16_t mtu;
    uint8_t scatter_needed;
    uint8_t link_interrupt; /* granted */
    char step[KB_STEP_TEXT]; /* on failure: the DPDK call that failed, and its queue */
};

struct kb_port_info {
    uint64_t offloads; /* KB_OFFLOAD_* the device has */
    uint64_t rss_hash;
    int32_t socket;
    uint32_t if_index;
    uint32_t min_rx_buffer;
    uint32_t max_rx_packet;
    uint32_t hash_key_size;
    uint16_t min_mtu;
    uint16_t max_mtu; /* the lesser of what MTU and frame length allow */
    uint16_t max_rx_queues;
    uint16_t max_tx_queues;
    uint16_t rx_desc_min;
    uint16_t rx_desc_max;
    uint16_t rx_desc_align;
    uint16_t tx_desc_min;
    uint16_t tx_desc_max;
    uint16_t tx_desc_align;
    uint16_t reta_size;
    uint16_t mtu;
    uint8_t link_interrupt; /* the device reports link changes by interrupt */
    uint8_t mac[6];
    char driver[32];
    char name[64];
};

struct kb_port_link {
    uint32_t speed_mbps; /* UINT32_MAX: unknown */
    uint8_t up;
    uint8_t full_duplex;
    uint8_t autonegotiated;
};

struct kb_port_stats {
    uint64_t rx_packets;
    uint64_t tx_packets;
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t rx_missed;
    uint64_t rx_errors;
    uint64_t tx_errors;
    uint64_t rx_no_mbuf;
};

#define KB_STATS_QUEUES 16

struct kb_queue_stats {
    uint64_t rx_packets;
    uint64_t tx_packets;
    uint64_t rx_bytes;
    uint64_t tx_bytes;
    uint64_t rx_errors;
};

#define KB_XSTAT_NAME 64

struct kb_xstat_name {
    char name[KB_XSTAT_NAME];
};

/* Internal: bytes of a frame around its MTU: what the driver counts, else Ethernet's header and CRC. */
struct rte_eth_dev_info;
uint32_t kb_frame_overhead(const struct rte_eth_dev_info *info);

KB_API int kb_port_attach(const char *devargs, uint16_t *ports, uint32_t capacity);
KB_API int kb_port_detach(uint16_t port);
KB_API int kb_port_close(uint16_t port);
KB_API uint16_t kb_port_next(uint16_t from); /* UINT16_MAX: no more */
KB_API int kb_port_is_valid(uint16_t port);
KB_API int kb_port_configure(uint16_t port, const struct kb_port_conf *conf, struct kb_port_outcome *outcome);
KB_API int kb_port_start(uint16_t port);
KB_API int kb_port_stop(uint16_t port);
KB_API int kb_port_set_promiscuous(uint16_t port, int on);
KB_API int kb_port_set_all_multicast(uint16_t port, int on);
KB_API int kb_port_set_mac(uint16_t port, const uint8_t *mac);
KB_API int kb_port_set_mtu(uint16_t port, uint16_t mtu);
KB_API int kb_port_set_link(uint16_t port, int up);
KB_API int kb_port_set_reta(uint16_t port, const uint16_t *queues, uint16_t count);
KB_API int kb_port_get_reta(uint16_t port, uint16_t *queues, uint16_t count);
KB_API int kb_port_set_rss(uint16_t port, uint64_t hash, const uint8_t *key, uint32_t key_length);
KB_API int kb_port_get_rss(uint16_t port, uint64_t *hash, uint8_t *key, uint32_t key_capacity);

/* ---- port_query.c ---- */

KB_API int kb_port_info(uint16_t port, struct kb_port_info *info);
KB_API int kb_port_link(uint16_t port, struct kb_port_link *link);
KB_API int kb_port_promiscuous(uint16_t port);
KB_API int kb_port_all_multicast(uint16_t port);
KB_API int kb_port_stats(uint16_t port, struct kb_port_stats *stats);
KB_API int kb_port_queue_stats(uint16_t port, struct kb_queue_stats *queues, uint32_t count);
KB_API int kb_port_stats_reset(uint16_t port);
/* Names into `names` when `capacity` suffices; returns how many there are. */
KB_API int kb_port_xstats_names(uint16_t port, struct kb_xstat_name *names, uint32_t capacity);
KB_API int kb_port_xstats_values(uint16_t port, uint64_t *values, uint32_t count);
KB_API int kb_port_xstats_reset(uint16_t port);

/* ---- event.c ---- */

#define KB_EVENT_LINK 1u
#define KB_EVENT_REMOVED 2u
#define KB_EVENT_RESET 3u
#define KB_EVENT_RECOVERING 4u
#define KB_EVENT_RECOVERY_SUCCESS 5u
#define KB_EVENT_RECOVERY_FAILED 6u

struct kb_event {
    uint32_t kind;
    uint16_t port;
};

KB_API int kb_event_open(void);
KB_API void kb_event_close(void);
KB_API int kb_event_take(struct kb_event *event);
KB_API uint64_t kb_event_lost(void);

/* ---- interrupt.c ---- */

#define KB_INTERRUPT_QUEUES 64

struct kb_interrupt_set;

KB_API struct kb_interrupt_set *kb_interrupt_create(int *error);
KB_API void kb_interrupt_free(struct kb_interrupt_set *set);
KB_API int kb_interrupt_add(struct kb_interrupt_set *set, uint16_t port, uint16_t queue);
KB_API int kb_interrupt_remove(struct kb_interrupt_set *set, uint16_t port, uint16_t queue);
KB_API int kb_interrupt_arm(struct kb_interrupt_set *set);
KB_API int kb_interrupt_disarm(struct kb_interrupt_set *set);
/* Sleeps until a queue interrupts, kb_interrupt_wake is called, or the time is over: the number of causes, 0 for time-out. */
KB_API int kb_interrupt_wait(struct kb_interrupt_set *set, int timeout_ms);
KB_API int kb_interrupt_wake(struct kb_interrupt_set *set);

#endif
