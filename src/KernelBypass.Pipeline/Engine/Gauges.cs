using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Counters;

namespace KernelBypass.Pipeline.Engine;

/// <summary>A mempool's exported numbers, written by the main lcore.</summary>
internal sealed unsafe class PoolGauges
{
    private readonly ulong* _available;
    private readonly ulong* _failures;

    internal PoolGauges(Mempool pool, CounterRegister counters)
    {
        Pool = pool;
        var name = pool.Options.Name;
        *counters.Get(-1, EngineMetrics.MempoolSize, name) = pool.Count;
        _available = counters.Get(-1, EngineMetrics.MempoolAvailable, name);
        _failures = counters.Get(-1, EngineMetrics.MempoolFailures, name);
    }

    internal Mempool Pool { get; }

    internal void Refresh(ulong driverFailures)
    {
        Volatile.Write(ref *_available, Pool.AvailableCount);
        // A detached port takes its count along; what was exported does not fall.
        Volatile.Write(ref *_failures, Math.Max(*_failures, (ulong)Pool.AllocationFailures + driverFailures));
    }
}

/// <summary>Occupancy of the ring before a chain's lcore, written by the main lcore.</summary>
internal sealed unsafe class RingGauges
{
    private readonly LinkRing _ring;
    private readonly ulong* _used;
    private readonly ulong* _size;

    internal RingGauges(LinkRing ring, string stage, string lcore, CounterRegister counters)
    {
        _ring = ring;
        _used = counters.Get(-1, EngineMetrics.RingUsed, stage, lcore);
        _size = counters.Get(-1, EngineMetrics.RingSize, stage, lcore);
        *_size = (ulong)ring.Size;
    }

    internal void Refresh() => Volatile.Write(ref *_used, (ulong)_ring.Used);

    /// <summary>The ring is gone.</summary>
    internal void Zero()
    {
        *_used = 0;
        *_size = 0;
    }
}
