using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace KernelBypass.Pipeline.Engine;

/// <summary>Asks for a cache line early.</summary>
internal static unsafe class Prefetch
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Read(void* address)
    {
        if (Sse.IsSupported) Sse.Prefetch0(address);
    }
}
