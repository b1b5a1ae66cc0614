using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KernelBypass.Model.Flows;

/// <summary>A flow key or a mask over one: <see cref="FlowKeyLayout"/>, as 16 words.</summary>
[InlineArray(FlowKeyLayout.Words)]
public struct FlowKey
{
    private ulong _word0;

    /// <summary>The key's 128 bytes, in network order.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public Span<byte> Bytes => MemoryMarshal.AsBytes((Span<ulong>)this);
}
