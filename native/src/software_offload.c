/* What a packet asks of the device in ol_flags and the device lacks, done here before rte_eth_tx_burst. */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "kbdpdk.h"

static int insert_tag(struct rte_mbuf **packet, uint16_t tci)
{
    (*packet)->vlan_tci = tci;
    uint64_t flags = (*packet)->ol_flags;
    int error = rte_vlan_insert(packet); /* lengthens l2_len; refuses shared data and no headroom */
    if (error == 0)
        (*packet)->ol_flags = flags;
    return error;
}

static int insert_vlan(uint64_t missing, struct rte_mbuf **packet)
{
    uint64_t flags = (*packet)->ol_flags;
    int qinq = (flags & RTE_MBUF_F_TX_QINQ) && (missing & KB_OFFLOAD_TX_QINQ_INSERT);
    /* With an outer tag done here the inner one can't be left to the device: it would land outside. */
    int vlan = (flags & RTE_MBUF_F_TX_VLAN) && ((missing & KB_OFFLOAD_TX_VLAN_INSERT) || qinq);
    uint16_t inner = (*packet)->vlan_tci;
    uint16_t outer = (*packet)->vlan_tci_outer;

    if (vlan) {
        if (insert_tag(packet, inner) != 0)
            return -1;
        (*packet)->ol_flags &= ~RTE_MBUF_F_TX_VLAN;
    }
    if (qinq) {
        if (insert_tag(packet, outer) != 0)
            return -1;
        rte_pktmbuf_mtod(*packet, struct rte_ether_hdr *)->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_QINQ);
        (*packet)->ol_flags &= ~RTE_MBUF_F_TX_QINQ;
    }
    return 0;
}

/* The TCP or UDP checksum over all segments, its field being zero; RFC 768's zero is sent as all ones. */
static int l4_checksum(struct rte_mbuf *packet, uint16_t l4_offset, uint16_t *checksum)
{
    const void *l3 = rte_pktmbuf_mtod_offset(packet, const void *, packet->l2_len);
    uint32_t length = packet->pkt_len - l4_offset;
    uint16_t raw;
    uint32_t sum;

    if (packet->ol_flags & RTE_MBUF_F_TX_IPV4) {
        const struct rte_ipv4_hdr *ip = l3;
        uint32_t declared = rte_be_to_cpu_16(ip->total_length);
        if (declared < packet->l3_len || declared - packet->l3_len > length)
            return -1;
        length = declared - (uint32_t)packet->l3_len; /* what follows is Ethernet's padding */
        sum = rte_ipv4_phdr_cksum(ip, 0);
    } else {
        const struct rte_ipv6_hdr *ip = l3;
        uint32_t declared = rte_be_to_cpu_16(ip->payload_len) + (uint32_t)sizeof(*ip);
        if (declared < packet->l3_len || declared - packet->l3_len > length)
            return -1;
        /* The payload length counts extension headers, the pseudo header's does not (RFC 8200 8.1). */
        struct rte_ipv6_hdr pseudo = *ip;
        length = declared - (uint32_t)packet->l3_len;
        pseudo.payload_len = rte_cpu_to_be_16((uint16_t)length);
        pseudo.proto = (packet->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM ? IPPROTO_TCP : IPPROTO_UDP;
        sum = rte_ipv6_phdr_cksum(&pseudo, 0);
    }
    if (rte_raw_cksum_mbuf(packet, l4_offset, length, &raw) != 0)
        return -1;
    sum += raw;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    *checksum = (uint16_t)~sum;
    if (*checksum == 0)
        *checksum = 0xffff;
    return 0;
}

static int fill_l4_checksum(uint64_t missing, struct rte_mbuf *packet)
{
    uint64_t l4 = packet->ol_flags & RTE_MBUF_F_TX_L4_MASK;
    uint16_t l4_offset = (uint16_t)(packet->l2_len + packet->l3_len);
    uint16_t header;
    uint16_t field;

    if (l4 == RTE_MBUF_F_TX_TCP_CKSUM && (missing & KB_OFFLOAD_TX_TCP_CKSUM)) {
        header = sizeof(struct rte_tcp_hdr);
        field = offsetof(struct rte_tcp_hdr, cksum);
    } else if (l4 == RTE_MBUF_F_TX_UDP_CKSUM && (missing & KB_OFFLOAD_TX_UDP_CKSUM)) {
        header = sizeof(struct rte_udp_hdr);
        field = offsetof(struct rte_udp_hdr, dgram_cksum);
    } else {
        return 0;
    }
    if (l4_offset + header > rte_pktmbuf_data_len(packet) || packet->l3_len < sizeof(struct rte_ipv4_hdr))
        return -1;
    if ((packet->ol_flags & RTE_MBUF_F_TX_IPV6) && packet->l3_len < sizeof(struct rte_ipv6_hdr))
        return -1;

    uint16_t checksum = 0;
    uint8_t *at = rte_pktmbuf_mtod_offset(packet, uint8_t *, l4_offset + field);
    memcpy(at, &checksum, sizeof(checksum));
    if (l4_checksum(packet, l4_offset, &checksum) != 0)
        return -1;
    memcpy(at, &checksum, sizeof(checksum));
    packet->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
    return 0;
}

static int fill_ip_checksum(uint64_t missing, struct rte_mbuf *packet)
{
    if (!(packet->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) || !(missing & KB_OFFLOAD_TX_IPV4_CKSUM))
        return 0;
    if (packet->l2_len + packet->l3_len > rte_pktmbuf_data_len(packet) || packet->l3_len < sizeof(struct rte_ipv4_hdr))
        return -1;
    struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(packet, struct rte_ipv4_hdr *, packet->l2_len);
    ip->hdr_checksum = 0;
    ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, packet->l3_len);
    packet->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
    return 0;
}

static int help(uint64_t missing, struct rte_mbuf **packet)
{
    if (insert_vlan(missing, packet) != 0)
        return -1;
    if (fill_ip_checksum(missing, *packet) != 0 || fill_l4_checksum(missing, *packet) != 0)
        return -1;
    if ((*packet)->nb_segs > 1 && (missing & KB_OFFLOAD_TX_MULTI_SEGS) && rte_pktmbuf_linearize(*packet) != 0)
        return -1;
    return 0;
}

uint16_t kb_tx_software(uint64_t missing, struct rte_mbuf **packets, uint16_t count)
{
    uint16_t good = 0;
    for (uint16_t i = 0; i < count; i++) {
        if (help(missing, &packets[i]) != 0)
            continue;
        /* Keeps the order of the good ones; the helpless ones drift to the end. */
        struct rte_mbuf *packet = packets[i];
        packets[i] = packets[good];
        packets[good++] = packet;
    }
    return good;
}
