using System.Runtime.InteropServices;
using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Counters;

/// <summary>Counters in plain memory, for tests and benchmarks. Each owner has cache lines of its own.</summary>
public sealed unsafe class NativeCounterSpace : ICounterSpace, IDisposable
{
    private const int BlockWords = 512;

    private readonly Lock _lock = new();
    private readonly List<nint> _blocks = [];
    private readonly Dictionary<int, (nint Block, int Used)> _open = [];
    private readonly Dictionary<nint, Entry> _entries = [];

    /// <summary>A counter with its declaration and labels.</summary>
    public readonly record struct Entry(int Owner, MetricDeclaration Metric, string[] Labels);

    /// <inheritdoc/>
    public ulong* Add(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues)
    {
        ArgumentNullException.ThrowIfNull(metric);
        if (labelValues.Length != metric.Labels.Length)
            throw new ArgumentException($"{metric.Name} has {metric.Labels.Length} labels, not {labelValues.Length}.");
        lock (_lock)
        {
            if (!_open.TryGetValue(owner, out var open) || open.Used == BlockWords)
            {
                open = ((nint)NativeMemory.AlignedAlloc(BlockWords * sizeof(ulong), 64), 0);
                NativeMemory.Clear((void*)open.Block, BlockWords * sizeof(ulong));
                _blocks.Add(open.Block);
            }

            var counter = (ulong*)open.Block + open.Used;
            _open[owner] = (open.Block, open.Used + 1);
            _entries[(nint)counter] = new Entry(owner, metric, labelValues.ToArray());
            return counter;
        }
    }

    /// <inheritdoc/>
    public void Remove(ulong* counter)
    {
        lock (_lock) _entries.Remove((nint)counter);
    }

    /// <summary>Sum of a metric over all owners, and over all labels but the leading ones given.</summary>
    public ulong Sum(string metric, params string[] leadingLabels)
    {
        var sum = 0ul;
        lock (_lock)
        {
            foreach (var (address, entry) in _entries)
            {
                if (entry.Metric.Name != metric || !entry.Labels.AsSpan().StartsWith(leadingLabels)) continue;
                sum += Volatile.Read(ref *(ulong*)address);
            }
        }

        return sum;
    }

    /// <summary>Everything that is counted.</summary>
    public IReadOnlyList<(Entry Entry, ulong Value)> Read()
    {
        lock (_lock) return [.. _entries.Select(e => (e.Value, Volatile.Read(ref *(ulong*)e.Key)))];
    }

    /// <summary>Gives the memory back: no counter may be used any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var block in _blocks) NativeMemory.AlignedFree((void*)block);
            _blocks.Clear();
            _open.Clear();
            _entries.Clear();
        }
    }
}
