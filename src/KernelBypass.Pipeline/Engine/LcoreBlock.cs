using System.Runtime.InteropServices;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// What the main lcore and a worker tell each other. Line 0 is written by the main lcore, line 1 by the worker, so that neither
/// takes the other's line away at each turn.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
internal struct LcoreBlock
{
    /// <summary>1: stop at the next burst boundary with nothing left in rings and buffers.</summary>
    [FieldOffset(0)] public int StopRequested;

    /// <summary>Moves on every few seconds: the lcore then begins a new window for its longest gap.</summary>
    [FieldOffset(4)] public int GapEpoch;

    /// <summary>Turns of the loop.</summary>
    [FieldOffset(64)] public long Turn;

    /// <summary>1: stopped or asleep; it will pass a full fence before it looks at any table again.</summary>
    [FieldOffset(72)] public int Quiescent;

    /// <summary>1 between launch and return.</summary>
    [FieldOffset(76)] public int Running;
}
