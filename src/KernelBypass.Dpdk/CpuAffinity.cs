using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>
/// The CPUs that the calling thread may run on. A new thread inherits its creator's: a host that keeps its own threads off
/// the lcores sets this on its first thread, before it starts anything.
/// </summary>
public static unsafe class CpuAffinity
{
    /// <summary>How many CPUs a set can name, as glibc's cpu_set_t.</summary>
    public const int MaxCpus = 1024;

    private const int Words = MaxCpus / 64;

    /// <summary>The CPUs of the calling thread, ascending.</summary>
    public static IReadOnlyList<int> GetCurrentThread()
    {
        ulong* mask = stackalloc ulong[Words];
        new Span<ulong>(mask, Words).Clear();
        if (Libc.sched_getaffinity(0, Words * sizeof(ulong), mask) != 0)
            throw DpdkException.From("sched_getaffinity", Marshal.GetLastSystemError());
        var cpus = new List<int>();
        for (int cpu = 0; cpu < MaxCpus; cpu++)
        {
            if ((mask[cpu / 64] & (1ul << (cpu % 64))) != 0)
                cpus.Add(cpu);
        }

        return cpus;
    }

    /// <summary>Binds the calling thread to <paramref name="cpus"/>.</summary>
    public static void SetCurrentThread(IEnumerable<int> cpus)
    {
        ulong* mask = stackalloc ulong[Words];
        new Span<ulong>(mask, Words).Clear();
        var listed = new List<int>(cpus);
        foreach (int cpu in listed)
        {
            if (cpu is < 0 or >= MaxCpus)
                throw new ArgumentOutOfRangeException(nameof(cpus), cpu, $"A CPU is 0 to {MaxCpus - 1}.");
            mask[cpu / 64] |= 1ul << (cpu % 64);
        }

        if (Libc.sched_setaffinity(0, Words * sizeof(ulong), mask) != 0)
        {
            throw DpdkException.From(
                $"The thread cannot be bound to CPUs {string.Join(',', listed)}", Marshal.GetLastSystemError());
        }
    }
}
