using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Native;

// libkbdpdk, ports, their events and their rx interrupts.
// What each function does is told in native/include/kbdpdk.h; names are kept.
internal static unsafe partial class Kb
{
    [DllImport(Library)]
    internal static extern int kb_port_attach(byte* devargs, ushort* ports, uint capacity);

    [DllImport(Library)]
    internal static extern int kb_port_detach(ushort port);

    [DllImport(Library)]
    internal static extern int kb_port_close(ushort port);

    [DllImport(Library)]
    internal static extern ushort kb_port_next(ushort from);

    [DllImport(Library)]
    internal static extern int kb_port_is_valid(ushort port);

    [DllImport(Library)]
    internal static extern int kb_port_configure(ushort port, PortConf* conf, PortOutcome* outcome);

    [DllImport(Library)]
    internal static extern int kb_port_start(ushort port);

    [DllImport(Library)]
    internal static extern int kb_port_stop(ushort port);

    [DllImport(Library)]
    internal static extern int kb_port_set_promiscuous(ushort port, int on);

    [DllImport(Library)]
    internal static extern int kb_port_set_all_multicast(ushort port, int on);

    [DllImport(Library)]
    internal static extern int kb_port_set_mac(ushort port, byte* mac);

    [DllImport(Library)]
    internal static extern int kb_port_set_mtu(ushort port, ushort mtu);

    [DllImport(Library)]
    internal static extern int kb_port_set_link(ushort port, int up);

    [DllImport(Library)]
    internal static extern int kb_port_set_reta(ushort port, ushort* queues, ushort count);

    [DllImport(Library)]
    internal static extern int kb_port_get_reta(ushort port, ushort* queues, ushort count);

    [DllImport(Library)]
    internal static extern int kb_port_set_rss(ushort port, ulong hash, byte* key, uint keyLength);

    [DllImport(Library)]
    internal static extern int kb_port_get_rss(ushort port, ulong* hash, byte* key, uint keyCapacity);

    [DllImport(Library)]
    internal static extern int kb_port_info(ushort port, PortInfoRecord* info);

    [DllImport(Library)]
    internal static extern int kb_port_link(ushort port, PortLinkRecord* result);

    [DllImport(Library)]
    internal static extern int kb_port_promiscuous(ushort port);

    [DllImport(Library)]
    internal static extern int kb_port_all_multicast(ushort port);

    [DllImport(Library)]
    internal static extern int kb_port_stats(ushort port, PortStats* stats);

    [DllImport(Library)]
    internal static extern int kb_port_queue_stats(ushort port, QueueStats* queues, uint count);

    [DllImport(Library)]
    internal static extern int kb_port_stats_reset(ushort port);

    [DllImport(Library)]
    internal static extern int kb_port_xstats_names(ushort port, XstatName* names, uint capacity);

    [DllImport(Library)]
    internal static extern int kb_port_xstats_values(ushort port, ulong* values, uint count);

    [DllImport(Library)]
    internal static extern int kb_port_xstats_reset(ushort port);

    [DllImport(Library)]
    internal static extern int kb_event_open();

    [DllImport(Library)]
    internal static extern void kb_event_close();

    [DllImport(Library)]
    internal static extern int kb_event_take(EventRecord* record);

    [DllImport(Library)]
    internal static extern ulong kb_event_lost();

    [DllImport(Library)]
    internal static extern void* kb_interrupt_create(int* error);

    [DllImport(Library)]
    internal static extern void kb_interrupt_free(void* set);

    [DllImport(Library)]
    internal static extern int kb_interrupt_add(void* set, ushort port, ushort queue);

    [DllImport(Library)]
    internal static extern int kb_interrupt_remove(void* set, ushort port, ushort queue);

    [DllImport(Library)]
    internal static extern int kb_interrupt_arm(void* set);

    [DllImport(Library)]
    internal static extern int kb_interrupt_disarm(void* set);

    [DllImport(Library)]
    internal static extern int kb_interrupt_wait(void* set, int timeoutMs);

    [DllImport(Library)]
    internal static extern int kb_interrupt_wake(void* set);
}
