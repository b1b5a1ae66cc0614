using System.Runtime.InteropServices;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Bench.Packet;

/// <summary>A stage context that counts drops and owns nothing: the benchmarks' packets stay where they are.</summary>
internal sealed unsafe class BenchContext(long cacheEntries = 0) : StageContext
{
    internal long Drops { get; private set; }

    public override int LcoreId => 0;

    public override long Option(string name) => name == "cache_entries" ? cacheEntries : 0;

    public override ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues) => (ulong*)NativeMemory.AllocZeroed(8);

    public override void Drop(void* mbuf, int reason) => Drops++;

    public override void Free(void* mbuf)
    {
    }

    public override bool Punt(void* mbuf, PuntKind kind, in PuntInfo info) => false;

    public override void* Copy(void* mbuf, uint maxLength) => null;
}
