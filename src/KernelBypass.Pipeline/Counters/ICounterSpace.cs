using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Counters;

/// <summary>Where counters live: shared memory in the data plane, plain memory in tests. Set-up only, never per packet.</summary>
public unsafe interface ICounterSpace
{
    /// <summary>
    /// A new counter, zero, 8-byte aligned. Counters of different owners never share a cache line. Written by its owner alone
    /// with plain stores; readers elsewhere see each value whole.
    /// </summary>
    /// <param name="owner">Who writes it: an lcore id, or -1 for the main lcore.</param>
    /// <param name="metric">Its declaration.</param>
    /// <param name="labelValues">Values for the declaration's labels, in order.</param>
    /// <exception cref="InvalidOperationException">The space is full; the message names the limit.</exception>
    ulong* Add(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues);

    /// <summary>Gives a counter back (its port or stage is gone).</summary>
    void Remove(ulong* counter);
}
