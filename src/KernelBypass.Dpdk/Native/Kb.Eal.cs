using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Native;

// libkbdpdk, EAL, lcores, the log stream and the layout table.
// What each function does is told in native/include/kbdpdk.h; names are kept.
internal static unsafe partial class Kb
{
    [DllImport(Library)]
    internal static extern LayoutEntry* kb_layout_table(uint* count);

    [DllImport(Library)]
    internal static extern uint kb_abi_version();

    [DllImport(Library)]
    internal static extern byte* kb_dpdk_version(int compiled);

    [DllImport(Library)]
    internal static extern void kb_notice_wait(int timeoutMs);

    [DllImport(Library)]
    internal static extern void kb_notice_post();

    [DllImport(Library)]
    internal static extern int kb_log_open();

    [DllImport(Library)]
    internal static extern int kb_log_take(LogLine* line);

    [DllImport(Library)]
    internal static extern ulong kb_log_lost();

    [DllImport(Library)]
    internal static extern void kb_log_close();

    [DllImport(Library)]
    internal static extern int kb_eal_init(int argc, byte** argv);

    [DllImport(Library)]
    internal static extern int kb_eal_cleanup();

    [DllImport(Library)]
    internal static extern byte* kb_eal_runtime_dir();

    [DllImport(Library)]
    internal static extern int kb_eal_iova_mode();

    [DllImport(Library)]
    internal static extern int kb_eal_has_hugepages();

    [DllImport(Library)]
    internal static extern byte* kb_strerror(int error);

    [DllImport(Library)]
    internal static extern uint kb_lcore_main();

    [DllImport(Library)]
    internal static extern uint kb_lcore_count();

    [SuppressGCTransition]
    [DllImport(Library)]
    internal static extern uint kb_lcore_current();

    [DllImport(Library)]
    internal static extern uint kb_lcore_next_worker(uint lcore);

    [DllImport(Library)]
    internal static extern int kb_lcore_is_enabled(uint lcore);

    [DllImport(Library)]
    internal static extern int kb_lcore_cpu(uint lcore);

    [DllImport(Library)]
    internal static extern int kb_lcore_socket(uint lcore);

    [DllImport(Library)]
    internal static extern int kb_lcore_state(uint lcore);

    [DllImport(Library)]
    internal static extern int kb_lcore_launch(uint lcore, delegate* unmanaged<void*, int> function, void* argument);

    [DllImport(Library)]
    internal static extern int kb_lcore_wait(uint lcore);

    [DllImport(Library)]
    internal static extern int kb_thread_register();

    [DllImport(Library)]
    internal static extern void kb_thread_unregister();
}
