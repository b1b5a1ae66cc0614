using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Native;

// libkbdpdk, the packet path: bursts, mbufs, mempools and rings.
// What each function does is told in native/include/kbdpdk.h; names are kept.
internal static unsafe partial class Kb
{
    [SuppressGCTransition]
    [DllImport(Library)]
    internal static extern ulong kb_tsc_read();

    [DllImport(Library)]
    internal static extern ulong kb_tsc_hz();

    [DllImport(Library)]
    internal static extern ushort kb_rx_burst(ushort port, ushort queue, Mbuf* packets, ushort count);

    [DllImport(Library)]
    internal static extern ushort kb_tx_burst(ushort port, ushort queue, Mbuf* packets, ushort count);

    [DllImport(Library)]
    internal static extern ushort kb_tx_prepare(ushort port, ushort queue, Mbuf* packets, ushort count);

    [DllImport(Library)]
    internal static extern int kb_rx_queue_count(ushort port, ushort queue);

    [DllImport(Library)]
    internal static extern RteMbuf* kb_mbuf_alloc(void* pool);

    [DllImport(Library)]
    internal static extern int kb_mbuf_alloc_bulk(void* pool, Mbuf* packets, uint count);

    [DllImport(Library)]
    internal static extern void kb_mbuf_free(RteMbuf* packet);

    [DllImport(Library)]
    internal static extern void kb_mbuf_free_bulk(Mbuf* packets, uint count);

    [DllImport(Library)]
    internal static extern RteMbuf* kb_mbuf_copy(RteMbuf* packet, void* pool, uint offset, uint length);

    [DllImport(Library)]
    internal static extern RteMbuf* kb_mbuf_clone(RteMbuf* packet, void* pool);

    [DllImport(Library)]
    internal static extern void kb_mbuf_add_references(RteMbuf* packet, short count);

    [DllImport(Library)]
    internal static extern int kb_mbuf_linearize(RteMbuf* packet);

    [DllImport(Library)]
    internal static extern int kb_mbuf_check(RteMbuf* packet, byte** reason);

    [DllImport(Library)]
    internal static extern void* kb_pool_create(
        byte* name, uint count, uint cache, ushort privateSize, ushort dataRoom, int socket, int* error);

    [DllImport(Library)]
    internal static extern uint kb_pool_chunks(void* pool);

    [DllImport(Library)]
    internal static extern void kb_pool_free(void* pool);

    [DllImport(Library)]
    internal static extern uint kb_pool_size(void* pool);

    [DllImport(Library)]
    internal static extern uint kb_pool_available(void* pool);

    [DllImport(Library)]
    internal static extern uint kb_pool_in_use(void* pool);

    [DllImport(Library)]
    internal static extern void* kb_ring_create(byte* name, uint size, int socket, uint flags, int* error);

    [DllImport(Library)]
    internal static extern void kb_ring_free(void* ring);

    [DllImport(Library)]
    internal static extern uint kb_ring_enqueue_burst(void* ring, void** objects, uint count);

    [DllImport(Library)]
    internal static extern uint kb_ring_dequeue_burst(void* ring, void** objects, uint count);

    [DllImport(Library)]
    internal static extern uint kb_ring_enqueue_bulk(void* ring, void** objects, uint count);

    [SuppressGCTransition]
    [DllImport(Library)]
    internal static extern uint kb_ring_count(void* ring);

    [SuppressGCTransition]
    [DllImport(Library)]
    internal static extern uint kb_ring_free_count(void* ring);

    [DllImport(Library)]
    internal static extern uint kb_ring_capacity(void* ring);

    [DllImport(Library)]
    internal static extern ushort kb_tx_software(ulong missing, Mbuf* packets, ushort count);
}
