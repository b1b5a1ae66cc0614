using KernelBypass.Channel;

namespace KernelBypass.Daemon.Services;

/// <summary>Looks numbers up in a metrics snapshot.</summary>
internal static class MetricQuery
{
    /// <summary>The sum of a metric over the instances that carry a label's value.</summary>
    internal static ulong Sum(MetricsSnapshot snapshot, string metric, string label, string value)
    {
        ulong sum = 0;
        foreach (var sample in snapshot.Samples)
        {
            if (sample.Metric.Name != metric) continue;
            var index = Array.IndexOf(sample.Metric.Labels, label);
            if (index >= 0 && sample.LabelValues[index] == value) sum += sample.Value;
        }

        return sum;
    }
}
