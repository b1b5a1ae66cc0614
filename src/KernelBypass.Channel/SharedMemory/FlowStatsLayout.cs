using System.Runtime.InteropServices;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>One flow's counters on one lcore: 16 bytes, never across a cache line.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct FlowCounters
{
    public ulong Packets;
    public ulong Bytes;
}

/// <summary>Head of flowstats.shm, one page; then for each lcore an array of <see cref="FlowCounters"/>, page-aligned, by
/// slot.</summary>
[StructLayout(LayoutKind.Explicit, Size = PageBytes)]
internal struct FlowStatsLayout
{
    /// <summary>"KBFLOW01" as bytes in the file.</summary>
    internal const ulong MagicValue = 0x3130574F4C46424B;

    internal const uint CurrentVersion = 1;
    internal const int PageBytes = 4096;

    [FieldOffset(0)] internal ulong Magic;
    [FieldOffset(8)] internal uint Version;
    [FieldOffset(12)] internal uint Lcores;
    [FieldOffset(16)] internal ulong FileBytes;
    [FieldOffset(24)] internal uint Flows;
    [FieldOffset(32)] internal long StartedUnixNs;

    internal static long LcoreBytes(long flows) => (flows * 16 + PageBytes - 1) / PageBytes * PageBytes;

    internal static long TotalBytes(long lcores, long flows) => PageBytes + lcores * LcoreBytes(flows);
}
