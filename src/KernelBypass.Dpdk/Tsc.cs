using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>The CPU's time stamp counter, as DPDK reads and calibrates it.</summary>
public static class Tsc
{
    /// <summary>Ticks a second. After <see cref="Eal.Initialize"/>.</summary>
    public static ulong Frequency { get; private set; }

    /// <summary>The counter now. Costs a few nanoseconds; no GC transition.</summary>
    public static ulong Read() => Kb.kb_tsc_read();

    internal static void Calibrate() => Frequency = Kb.kb_tsc_hz();
}
