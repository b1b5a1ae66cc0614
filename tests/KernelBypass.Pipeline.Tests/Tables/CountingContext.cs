using System.Runtime.InteropServices;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>A stage context that counts drops by reason and keeps counters by name.</summary>
internal sealed unsafe class CountingContext(int lcore, long cacheEntries) : StageContext, IDisposable
{
    private readonly Dictionary<string, nint> _counters = [];

    public override int LcoreId => lcore;

    internal int[] Drops { get; } = new int[4];

    internal ulong Value(string name, string label = "") => *(ulong*)_counters[name + label];

    public override long Option(string name) =>
        name == "cache_entries" ? cacheEntries : throw new ArgumentException($"no option {name}", nameof(name));

    public override ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues)
    {
        var name = metricName + string.Concat(labelValues.ToArray());
        if (!_counters.TryGetValue(name, out var counter)) _counters[name] = counter = (nint)NativeMemory.AllocZeroed(8);
        return (ulong*)counter;
    }

    public override void Drop(void* mbuf, int reason) => Drops[reason]++;

    public override void Free(void* mbuf) => throw new InvalidOperationException("classify frees no packet");

    public override bool Punt(void* mbuf, PuntKind kind, in PuntInfo info) =>
        throw new InvalidOperationException("classify punts no packet");

    public override void* Copy(void* mbuf, uint maxLength) => throw new InvalidOperationException("classify copies no packet");

    public void Dispose()
    {
        foreach (var counter in _counters.Values) NativeMemory.Free((void*)counter);
    }
}
