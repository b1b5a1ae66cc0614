using KernelBypass.Channel.SharedMemory;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Counters;

namespace KernelBypass.DataPlane.Switch;

/// <summary>The pipeline's counters, in metrics.shm.</summary>
internal sealed unsafe class SharedCounterSpace(MetricsWriter metrics) : ICounterSpace
{
    /// <inheritdoc/>
    public ulong* Add(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues) =>
        metrics.Add(owner, metric, labelValues);

    /// <inheritdoc/>
    public void Remove(ulong* counter) => metrics.Remove(counter);
}
