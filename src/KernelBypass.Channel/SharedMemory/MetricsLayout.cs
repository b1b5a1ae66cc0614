using System.Runtime.InteropServices;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// Head of metrics.shm. The data plane writes; readers map it read-only. <see cref="Sequence"/> is odd while the directory
/// (declarations and instances) changes and has moved when it changed: a reader that saw it move reads again. Values are plain
/// 8-byte words, so each is read whole at any time.
/// </summary>
/// <remarks>
/// <code>
///  0     head: one page
///  D     declarations, one after the other: u16 bytes of the rest, u8 kind, u8 labels, then strings (u16 length, UTF-8):
///        name, unit, description, label names
///  I     instances: fixed places of <see cref="InstanceBytes"/>: u32 state, u32 declaration (its number), u64 offset of the
/// value
///        in the file, then the label values (u8 length, UTF-8)
///  V     values: blocks of 64 bytes, each with one writer
/// </code>
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = PageBytes)]
internal struct MetricsLayout
{
    /// <summary>"KBMETR01" as bytes in the file.</summary>
    internal const ulong MagicValue = 0x3130525445_4D424B;

    internal const uint CurrentVersion = 1;
    internal const int PageBytes = 4096;
    internal const int InstanceBytes = 256;
    internal const int InstanceHeadBytes = 16;
    internal const int DeclarationBytes = 256 * 1024;

    /// <summary>Values in a block: one cache line.</summary>
    internal const int BlockValues = 8;

    [FieldOffset(0)] internal ulong Magic;
    [FieldOffset(8)] internal uint Version;
    [FieldOffset(16)] internal ulong FileBytes;
    [FieldOffset(24)] internal uint DataPlanePid;
    [FieldOffset(32)] internal long StartedUnixNs;

    /// <summary>Instances there is room for.</summary>
    [FieldOffset(40)] internal uint MaxInstances;

    [FieldOffset(128)] internal uint Sequence;
    [FieldOffset(132)] internal uint Declarations;
    [FieldOffset(136)] internal uint DeclarationBytesUsed;

    /// <summary>Instance places ever used; some may be free.</summary>
    [FieldOffset(140)] internal uint Instances;

    internal static long InstancesOffset => PageBytes + DeclarationBytes;

    internal static long ValuesOffset(long maxInstances) => InstancesOffset + maxInstances * InstanceBytes;

    /// <summary>Each instance may at worst need a block of its own.</summary>
    internal static long TotalBytes(long maxInstances) => ValuesOffset(maxInstances) + maxInstances * BlockValues * sizeof(ulong);
}

/// <summary>Head of one instance's place.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct MetricInstanceHead
{
    /// <summary>1: in use.</summary>
    internal uint State;

    /// <summary>Number of its declaration.</summary>
    internal uint Declaration;

    /// <summary>Where its value stands in the file.</summary>
    internal ulong ValueOffset;
}
