/*
 * The yardstick: parse Ethernet to TCP or UDP, build the 5-tuple, look it up among exact flows, rewrite MAC addresses, TTL and
 * checksum. Written as one would in C, for the bench row "the same algorithm in C".
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KB_API __attribute__((visibility("default")))
#define CACHE_LINE 64

struct five_tuple {
    uint32_t source;
    uint32_t destination;
    uint32_t ports;
    uint32_t protocol;
};

struct flow {
    struct five_tuple key;
    uint8_t addresses[12]; /* eth_dst, eth_src */
    uint32_t port;
    uint64_t packets;
    uint64_t bytes;
    uint32_t used;
    uint32_t spare;
} __attribute__((aligned(CACHE_LINE)));

struct table {
    struct flow *flows;
    uint32_t mask;
};

static inline uint16_t load16(const uint8_t *p)
{
    uint16_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof(value));
    return value;
}

static inline void store16(uint8_t *p, uint16_t value)
{
    memcpy(p, &value, sizeof(value));
}

static inline uint32_t hash(const struct five_tuple *key)
{
    uint64_t low, high;
    memcpy(&low, key, 8);
    memcpy(&high, (const uint8_t *)key + 8, 8);
    uint64_t h = low * 0x9E3779B97F4A7C15ull;
    h = (h ^ (h >> 32) ^ high) * 0xC2B2AE3D27D4EB4Full;
    return (uint32_t)(h >> 32);
}

/* 0 when the packet is not well-formed TCP or UDP over IPv4. */
static inline int parse(const uint8_t *data, uint32_t length, struct five_tuple *key, uint32_t *l3)
{
    uint32_t offset = 14;
    if (length < offset)
        return 0;
    uint16_t type = load16(data + 12);
    while (type == 0x0081 || type == 0xA888) { /* network order as a little-endian load sees it */
        if (length < offset + 4)
            return 0;
        type = load16(data + offset + 2);
        offset += 4;
    }
    if (type != 0x0008 || length < offset + 20)
        return 0;
    const uint8_t *ip = data + offset;
    uint32_t header = (ip[0] & 15u) * 4;
    uint32_t total = __builtin_bswap16(load16(ip + 2));
    if (ip[0] >> 4 != 4 || header < 20 || total < header || total > length - offset)
        return 0;
    if (load16(ip + 6) & 0xFF3F)
        return 0;
    uint32_t rest = total - header;
    const uint8_t *l4 = ip + header;
    if (ip[9] == 6) {
        if (rest < 20 || (uint32_t)(l4[12] >> 4) * 4 < 20 || (uint32_t)(l4[12] >> 4) * 4 > rest)
            return 0;
    } else if (ip[9] == 17) {
        if (rest < 8)
            return 0;
    } else {
        return 0;
    }
    key->source = load32(ip + 12);
    key->destination = load32(ip + 16);
    key->ports = load32(l4);
    key->protocol = ip[9];
    *l3 = offset;
    return 1;
}

static inline struct flow *lookup(const struct table *table, const struct five_tuple *key)
{
    for (uint32_t i = hash(key);; i++) {
        struct flow *flow = &table->flows[i & table->mask];
        if (!flow->used)
            return NULL;
        if (memcmp(&flow->key, key, sizeof(*key)) == 0)
            return flow;
    }
}

static inline void rewrite(uint8_t *data, uint32_t l3, const struct flow *flow)
{
    uint8_t *ip = data + l3;
    memcpy(data, flow->addresses, 12);
    uint16_t old = load16(ip + 8);
    uint16_t now = (uint16_t)(old - 1);
    store16(ip + 8, now);
    uint32_t sum = (uint16_t)~load16(ip + 10) + (uint32_t)(uint16_t)~old + now; /* RFC 1624, eqn. 3 */
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    store16(ip + 10, (uint16_t)~sum);
}

/* Room for `flows` exact flows at half load or less; NULL: out of memory. */
KB_API struct table *kb_bench_table(uint32_t flows)
{
    struct table *table = calloc(1, sizeof(*table));
    uint32_t size = 16;
    while (size < flows * 2)
        size *= 2;
    if (table == NULL)
        return NULL;
    table->mask = size - 1;
    table->flows = aligned_alloc(CACHE_LINE, size * sizeof(struct flow));
    if (table->flows == NULL) {
        free(table);
        return NULL;
    }
    memset(table->flows, 0, size * sizeof(struct flow));
    return table;
}

KB_API void kb_bench_table_free(struct table *table)
{
    free(table->flows);
    free(table);
}

/* Adds the flow that a packet belongs to: 0, or -1 for a packet that is not TCP or UDP over IPv4. */
KB_API int kb_bench_add(struct table *table, const uint8_t *data, uint32_t length, const uint8_t *addresses, uint32_t port)
{
    struct five_tuple key;
    uint32_t l3;
    if (!parse(data, length, &key, &l3))
        return -1;
    uint32_t i = hash(&key);
    while (table->flows[i & table->mask].used)
        i++;
    struct flow *flow = &table->flows[i & table->mask];
    flow->key = key;
    memcpy(flow->addresses, addresses, sizeof(flow->addresses));
    flow->port = port;
    flow->used = 1;
    return 0;
}

/* One burst: the port of each packet goes to `ports`, 0 for a drop. Returns how many matched. */
KB_API uint32_t kb_bench_burst(struct table *table, uint8_t **packets, const uint32_t *lengths, uint32_t count, uint32_t *ports)
{
    struct five_tuple keys[32];
    uint32_t l3[32];
    uint32_t matched = 0;

    if (count > 32)
        count = 32;
    for (uint32_t i = 0; i < count; i++) {
        ports[i] = (uint32_t)parse(packets[i], lengths[i], &keys[i], &l3[i]);
        if (ports[i])
            __builtin_prefetch(&table->flows[hash(&keys[i]) & table->mask]);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!ports[i])
            continue;
        struct flow *flow = lookup(table, &keys[i]);
        if (flow == NULL || packets[i][l3[i] + 8] <= 1) {
            ports[i] = 0;
            continue;
        }
        rewrite(packets[i], l3[i], flow);
        flow->packets++;
        flow->bytes += lengths[i];
        ports[i] = flow->port;
        matched++;
    }
    return matched;
}
