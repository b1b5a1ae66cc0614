using System.Runtime.InteropServices;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.DataPlane.Switch;

/// <summary>What the stages of the warm-up stand on: counts go nowhere, and packets are used again.</summary>
internal sealed unsafe class WarmContext : StageContext, IDisposable
{
    private readonly ulong* _counter = (ulong*)NativeMemory.AllocZeroed(sizeof(ulong));

    /// <inheritdoc/>
    public override int LcoreId => 0;

    /// <inheritdoc/>
    public override long Option(string name) => name == "cache_entries" ? 4096 : 0;

    /// <inheritdoc/>
    public override ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues) => _counter;

    /// <inheritdoc/>
    public override void Drop(void* mbuf, int reason)
    {
    }

    /// <inheritdoc/>
    public override void Free(void* mbuf)
    {
    }

    /// <inheritdoc/>
    public override bool Punt(void* mbuf, PuntKind kind, in PuntInfo info) => true;

    /// <inheritdoc/>
    public override void* Copy(void* mbuf, uint maxLength) => null;

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_counter);
}
