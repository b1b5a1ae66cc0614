using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Native;

internal static unsafe class Libc
{
    [DllImport("libc")]
    internal static extern int sched_getaffinity(int pid, nuint size, ulong* mask);

    [DllImport("libc")]
    internal static extern int sched_setaffinity(int pid, nuint size, ulong* mask);

    [DllImport("libc")]
    internal static extern uint geteuid();
}
