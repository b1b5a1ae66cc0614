using System.Runtime.InteropServices;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Bench.Classifier;

/// <summary>A stage context that only counts.</summary>
internal sealed unsafe class BenchContext(long cacheEntries) : StageContext
{
    private readonly Dictionary<string, nint> _counters = [];

    public override int LcoreId => 1;

    internal long Drops { get; private set; }

    internal ulong Value(string name) => *(ulong*)_counters[name];

    public override long Option(string name) => cacheEntries;

    public override ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues)
    {
        var name = metricName + string.Concat(labelValues.ToArray());
        if (!_counters.TryGetValue(name, out var counter)) _counters[name] = counter = (nint)NativeMemory.AlignedAlloc(64, 64);
        *(ulong*)counter = 0;
        return (ulong*)counter;
    }

    public override void Drop(void* mbuf, int reason) => Drops++;

    public override void Free(void* mbuf) => throw new NotSupportedException();

    public override bool Punt(void* mbuf, PuntKind kind, in PuntInfo info) => throw new NotSupportedException();

    public override void* Copy(void* mbuf, uint maxLength) => throw new NotSupportedException();
}

/// <summary>Grace periods over one reader that counts its bursts.</summary>
internal sealed class TurnGrace : IGracePeriod
{
    private ulong _turns;

    /// <summary>Set while a reader runs.</summary>
    internal bool HasReader { get; set; }

    /// <summary>The reader's quiescent state.</summary>
    internal void Turn() => Volatile.Write(ref _turns, _turns + 1);

    public ulong Start()
    {
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref _turns) + 2;
    }

    public bool HasPassed(ulong token) => !HasReader || Volatile.Read(ref _turns) >= token;
}
