using System.Buffers.Binary;
using System.Text;
using KernelBypass.Model.Declarations;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// Makes metrics.shm and gives out its counters. Set-up only, one thread; the counters themselves are written by their owners
/// with
/// plain stores. Counters of different owners never share a cache line.
/// </summary>
public sealed unsafe class MetricsWriter : IDisposable
{
    /// <summary>Instances there is room for when nothing else is said.</summary>
    public const int DefaultInstances = 16_384;

    private readonly SharedRegion _region;
    private readonly int _maxInstances;
    private readonly Dictionary<string, (uint Number, MetricDeclaration Metric)> _declarations = new(StringComparer.Ordinal);
    private readonly Dictionary<int, Stack<ulong>> _freeValues = [];
    private readonly Dictionary<ulong, (uint Instance, int Owner)> _byValue = [];
    private readonly Stack<uint> _freeInstances = new();
    private ulong _nextBlock;

    private MetricsWriter(SharedRegion region, int maxInstances)
    {
        _region = region;
        _maxInstances = maxInstances;
        _nextBlock = (ulong)MetricsLayout.ValuesOffset(maxInstances);
    }

    private MetricsLayout* Head => (MetricsLayout*)_region.Start;

    /// <summary>Makes the file, replacing what a crash left.</summary>
    /// <exception cref="ChannelException">It cannot be made.</exception>
    public static MetricsWriter Create(RunDirectory directory, int maxInstances = DefaultInstances)
    {
        var bytes = MetricsLayout.TotalBytes(maxInstances);
        var region = SharedRegion.Create(directory.Metrics, bytes, reserve: true, mode: 0x1A0, made =>
        {
            var head = (MetricsLayout*)made.Start;
            head->Magic = MetricsLayout.MagicValue;
            head->Version = MetricsLayout.CurrentVersion;
            head->FileBytes = (ulong)bytes;
            head->DataPlanePid = (uint)Environment.ProcessId;
            head->StartedUnixNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
            head->MaxInstances = (uint)maxInstances;
        });
        return new MetricsWriter(region, maxInstances);
    }

    /// <summary>A new counter, zero.</summary>
    /// <param name="owner">Who writes it: an lcore id, or -1 for the main lcore.</param>
    /// <param name="metric">Its declaration; one name has one declaration.</param>
    /// <param name="labelValues">Values for the declaration's labels, in order.</param>
    /// <exception cref="InvalidOperationException">The space is full, or the labels do not fit the declaration.</exception>
    public ulong* Add(int owner, MetricDeclaration metric, params ReadOnlySpan<string> labelValues)
    {
        if (labelValues.Length != metric.Labels.Length)
            throw new InvalidOperationException(
                $"metric {metric.Name} has {metric.Labels.Length} labels, {labelValues.Length} values were given");
        var labels = EncodeLabels(metric, labelValues);
        if (_freeInstances.Count == 0 && Head->Instances >= _maxInstances)
            throw new InvalidOperationException($"metrics.shm is full ({_maxInstances} instances): raise limits.metrics");
        BeginChange();
        try
        {
            var declaration = Declare(metric);
            var value = TakeValue(owner);
            var instance = _freeInstances.Count > 0 ? _freeInstances.Pop() : Head->Instances++;
            *(ulong*)(_region.Start + value) = 0;
            var place = Place(instance);
            labels.CopyTo(new Span<byte>(
                place + MetricsLayout.InstanceHeadBytes, MetricsLayout.InstanceBytes - MetricsLayout.InstanceHeadBytes));
            *(MetricInstanceHead*)place = new MetricInstanceHead { State = 1, Declaration = declaration, ValueOffset = value };
            _byValue[value] = (instance, owner);
            return (ulong*)(_region.Start + value);
        }
        finally
        {
            EndChange();
        }
    }

    /// <summary>Gives a counter back.</summary>
    /// <exception cref="InvalidOperationException">It is not one of this space's.</exception>
    public void Remove(ulong* counter)
    {
        var value = (ulong)((byte*)counter - _region.Start);
        if (!_byValue.Remove(value, out var taken)) throw new InvalidOperationException("the counter is not one of this space's");
        BeginChange();
        ((MetricInstanceHead*)Place(taken.Instance))->State = 0;
        EndChange();
        _freeInstances.Push(taken.Instance);
        _freeValues[taken.Owner].Push(value);
    }

    /// <summary>Unmaps the file and takes it away: the counters must not be written any more.</summary>
    public void Dispose() => _region.Dispose();

    private byte* Place(uint instance) =>
        _region.Start + MetricsLayout.InstancesOffset + (long)instance * MetricsLayout.InstanceBytes;

    private void BeginChange()
    {
        Volatile.Write(ref Head->Sequence, Head->Sequence + 1);
        Interlocked.MemoryBarrier();
    }

    private void EndChange() => Volatile.Write(ref Head->Sequence, Head->Sequence + 1);

    private ulong TakeValue(int owner)
    {
        if (!_freeValues.TryGetValue(owner, out var free)) _freeValues[owner] = free = new Stack<ulong>();
        if (free.Count > 0) return free.Pop();
        for (var i = MetricsLayout.BlockValues - 1; i >= 0; i--) free.Push(_nextBlock + (ulong)i * sizeof(ulong));
        _nextBlock += MetricsLayout.BlockValues * sizeof(ulong);
        return free.Pop();
    }

    private uint Declare(MetricDeclaration metric)
    {
        if (_declarations.TryGetValue(metric.Name, out var known))
        {
            var same = known.Metric.Unit == metric.Unit && known.Metric.Kind == metric.Kind
                && known.Metric.Labels.SequenceEqual(metric.Labels);
            return same ? known.Number : throw new InvalidOperationException(
                $"metric {metric.Name} is declared twice, with different units, kinds or labels");
        }

        var bytes = EncodeDeclaration(metric);
        if (Head->DeclarationBytesUsed + bytes.Length > MetricsLayout.DeclarationBytes)
            throw new InvalidOperationException($"metrics.shm has no room for the declaration of {metric.Name}");
        bytes.CopyTo(new Span<byte>(_region.Start + MetricsLayout.PageBytes + Head->DeclarationBytesUsed, bytes.Length));
        Head->DeclarationBytesUsed += (uint)bytes.Length;
        var number = Head->Declarations++;
        _declarations[metric.Name] = (number, metric);
        return number;
    }

    private static byte[] EncodeDeclaration(MetricDeclaration metric)
    {
        using var bytes = new MemoryStream();
        bytes.Write([0, 0, (byte)metric.Kind, (byte)metric.Labels.Length]);
        foreach (var text in (string[])[metric.Name, metric.Unit, metric.Description, .. metric.Labels])
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            bytes.Write([(byte)utf8.Length, (byte)(utf8.Length >> 8)]);
            bytes.Write(utf8);
        }

        var encoded = bytes.ToArray();
        BinaryPrimitives.WriteUInt16LittleEndian(encoded, checked((ushort)(encoded.Length - 2)));
        return encoded;
    }

    private static byte[] EncodeLabels(MetricDeclaration metric, ReadOnlySpan<string> values)
    {
        using var bytes = new MemoryStream();
        foreach (var value in values)
        {
            var utf8 = Encoding.UTF8.GetBytes(value);
            if (utf8.Length > byte.MaxValue
                || bytes.Length + 1 + utf8.Length > MetricsLayout.InstanceBytes - MetricsLayout.InstanceHeadBytes)
                throw new InvalidOperationException($"the label values of metric {metric.Name} are too long ('{value}')");
            bytes.WriteByte((byte)utf8.Length);
            bytes.Write(utf8);
        }

        return bytes.ToArray();
    }
}
