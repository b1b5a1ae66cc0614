using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>What a lcore is doing.</summary>
public enum LcoreState
{
    /// <summary>Idle: it may be launched.</summary>
    Waiting = 0,

    /// <summary>Running its function.</summary>
    Running = 1,
}

/// <summary>EAL's pinned threads. A worker runs one function at a time, given to <see cref="Launch"/>.</summary>
public static unsafe class Lcore
{
    /// <summary>What <see cref="Current"/> is on a thread that EAL does not know (LCORE_ID_ANY).</summary>
    public const uint Any = uint.MaxValue;

    /// <summary>The calling thread's lcore, or <see cref="Any"/>.</summary>
    public static uint Current => Kb.kb_lcore_current();

    /// <summary>The main lcore: the thread that <see cref="Eal"/> owns.</summary>
    public static uint Main => Kb.kb_lcore_main();

    /// <summary>The worker lcores, ascending.</summary>
    public static IReadOnlyList<uint> Workers
    {
        get
        {
            var workers = new List<uint>();
            for (uint lcore = Kb.kb_lcore_next_worker(Any); lcore != Any; lcore = Kb.kb_lcore_next_worker(lcore))
                workers.Add(lcore);
            return workers;
        }
    }

    /// <summary>Whether EAL was given this lcore.</summary>
    public static bool IsEnabled(uint lcore) => Kb.kb_lcore_is_enabled(lcore) != 0;

    /// <summary>The first CPU of a lcore.</summary>
    public static int GetCpu(uint lcore) => Checked(Kb.kb_lcore_cpu(lcore), lcore);

    /// <summary>The NUMA node of a lcore.</summary>
    public static int GetNumaNode(uint lcore) => Checked(Kb.kb_lcore_socket(lcore), lcore);

    /// <summary>Whether a worker waits or runs.</summary>
    public static LcoreState GetState(uint lcore) => (LcoreState)Checked(Kb.kb_lcore_state(lcore), lcore);

    /// <summary>
    /// Starts <paramref name="function"/>, an UnmanagedCallersOnly method, on
    /// an idle worker (rte_eal_remote_launch). No exception may leave it: that would abort the process. Throws
    /// <see cref="DpdkException"/> when the lcore is unknown, the main one, or busy.
    /// </summary>
    public static void Launch(uint lcore, delegate* unmanaged<void*, int> function, void* argument)
    {
        ArgumentNullException.ThrowIfNull(function);
        int error = Kb.kb_lcore_launch(lcore, function, argument);
        const int Busy = 16;
        if (error == -Busy)
            throw new DpdkException($"lcore {lcore} is running another function: wait for it first (Lcore.Wait)", Busy);
        if (error < 0)
        {
            throw DpdkException.From($"lcore {lcore} cannot be launched", error,
                $"The worker lcores are {string.Join(',', Workers)}.");
        }
    }

    /// <summary>Waits until a worker's function returned and gives its result; 0 when it never ran.</summary>
    public static int Wait(uint lcore)
    {
        if (!IsEnabled(lcore))
            throw new ArgumentOutOfRangeException(nameof(lcore), lcore, "EAL was not given this lcore.");
        return Kb.kb_lcore_wait(lcore);
    }

    /// <summary>Makes the calling thread a lcore (rte_thread_register), so that mempool caches work on it.</summary>
    public static void RegisterCurrentThread() => DpdkException.Check(Kb.kb_thread_register(),
        "The thread cannot be registered with EAL", "There are at most 128 lcores, registered threads included.");

    /// <summary>Undoes <see cref="RegisterCurrentThread"/>, on the same thread.</summary>
    public static void UnregisterCurrentThread() => Kb.kb_thread_unregister();

    /// <summary>The CPU's hint that this is a spin loop (rte_pause).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pause()
    {
        if (X86Base.IsSupported)
            X86Base.Pause();
        else if (ArmBase.IsSupported)
            ArmBase.Yield();
    }

    private static int Checked(int result, uint lcore) => result >= 0
        ? result
        : throw new ArgumentOutOfRangeException(nameof(lcore), lcore, "EAL was not given this lcore.");
}
