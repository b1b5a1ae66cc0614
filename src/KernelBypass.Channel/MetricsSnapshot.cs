using KernelBypass.Model.Declarations;

namespace KernelBypass.Channel;

/// <summary>One instance of a metric at one time.</summary>
/// <param name="Metric">Its declaration.</param>
/// <param name="LabelValues">Values for the declaration's labels, in order.</param>
/// <param name="Value">Its value.</param>
public readonly record struct MetricSample(MetricDeclaration Metric, IReadOnlyList<string> LabelValues, ulong Value);

/// <summary>All metrics of the data plane, read without stopping anybody: each value is whole, but they are not of one
/// instant.</summary>
/// <param name="Samples">The samples, those of one metric one after the other, in order of declaration.</param>
public sealed record MetricsSnapshot(IReadOnlyList<MetricSample> Samples);
