using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Counters;

/// <summary>
/// Keeps a counter for each owner, metric and labels, so that a stage that leaves an lcore and comes back goes on counting
/// where it was: a total never falls. Used by the main lcore at set-up.
/// </summary>
public sealed unsafe class CounterRegister(ICounterSpace space)
{
    private readonly Dictionary<(int Owner, string Metric, string Labels), nint> _counters = [];

    /// <summary>The counter, made if it is not there yet.</summary>
    public ulong* Get(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues)
    {
        ArgumentNullException.ThrowIfNull(metric);
        var key = (owner, metric.Name, string.Join('\n', labelValues));
        if (_counters.TryGetValue(key, out var counter)) return (ulong*)counter;
        var added = space.Add(owner, metric, labelValues);
        _counters[key] = (nint)added;
        return added;
    }

    /// <summary>Value of a counter; 0 where there is none.</summary>
    public ulong Value(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues)
    {
        ArgumentNullException.ThrowIfNull(metric);
        return _counters.TryGetValue((owner, metric.Name, string.Join('\n', labelValues)), out var counter)
            ? Volatile.Read(ref *(ulong*)counter)
            : 0;
    }

    /// <summary>Gives a counter back, when what it counted is gone for good (a detached port).</summary>
    public void Remove(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues)
    {
        ArgumentNullException.ThrowIfNull(metric);
        var key = (owner, metric.Name, string.Join('\n', labelValues));
        if (_counters.Remove(key, out var counter)) space.Remove((ulong*)counter);
    }
}
