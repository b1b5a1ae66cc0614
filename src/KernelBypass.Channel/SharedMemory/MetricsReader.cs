using System.Buffers.Binary;
using System.Text;
using KernelBypass.Model.Declarations;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// Reads metrics.shm, mapped read-only. The directory is parsed again only when it has changed. Nothing in the file is trusted:
/// offsets
/// and lengths are checked against the mapping. Not thread-safe.
/// </summary>
public sealed unsafe class MetricsReader : IDisposable
{
    private const int MaxTries = 300;

    private readonly SharedRegion _region;
    private readonly string _path;
    private readonly uint _maxInstances;
    private readonly byte[] _declarationBytes = new byte[MetricsLayout.DeclarationBytes];
    private Instance[] _instances = [];
    private uint _parsedSequence = 1;

    private MetricsReader(SharedRegion region, string path, uint maxInstances)
    {
        _region = region;
        _path = path;
        _maxInstances = maxInstances;
    }

    private readonly record struct Instance(uint Declaration, MetricDeclaration Metric, string[] LabelValues, ulong ValueOffset);

    private MetricsLayout* Head => (MetricsLayout*)_region.Start;

    /// <summary>When the data plane made the file, Unix nanoseconds: counters of another time are another process's.</summary>
    public long StartedUnixNs => Head->StartedUnixNs;

    /// <summary>Maps the metrics of the data plane in a run directory.</summary>
    /// <exception cref="ChannelException">There are none, or they are of another release.</exception>
    public static MetricsReader Open(RunDirectory directory)
    {
        var region = SharedRegion.Open(directory.Metrics, MetricsLayout.PageBytes, writable: false);
        var head = *(MetricsLayout*)region.Start;
        var fits = head.Magic == MetricsLayout.MagicValue && head.Version == MetricsLayout.CurrentVersion
            && head.FileBytes == (ulong)region.Bytes && MetricsLayout.TotalBytes(head.MaxInstances) == region.Bytes;
        if (fits) return new MetricsReader(region, directory.Metrics, head.MaxInstances);
        region.Dispose();
        throw new ChannelException(
            $"'{directory.Metrics}' is not from this release of kernelbypass-dataplane: run both processes of one release");
    }

    /// <summary>Reads every metric.</summary>
    /// <exception cref="ChannelException">The file makes no sense, or its directory never stops changing.</exception>
    public MetricsSnapshot Snapshot()
    {
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var sequence = Volatile.Read(ref Head->Sequence);
            if ((sequence & 1) == 0 && TryRead(sequence, out var snapshot)) return snapshot;
            Thread.Sleep(tries < 10 ? 0 : 1);
        }

        throw new ChannelException($"'{_path}': its directory does not stop changing");
    }

    /// <inheritdoc/>
    public void Dispose() => _region.Dispose();

    private bool TryRead(uint sequence, out MetricsSnapshot snapshot)
    {
        snapshot = null!;
        if (sequence != _parsedSequence)
        {
            _parsedSequence = 1;
            var parsed = TryParseDirectory(out var instances);
            Interlocked.MemoryBarrier();
            if (Volatile.Read(ref Head->Sequence) != sequence) return false;
            if (!parsed) throw new ChannelException($"'{_path}': its directory is malformed");
            _instances = instances;
            _parsedSequence = sequence;
        }

        var samples = new MetricSample[_instances.Length];
        for (var i = 0; i < samples.Length; i++)
        {
            var instance = _instances[i];
            var value = Volatile.Read(ref *(ulong*)(_region.Start + instance.ValueOffset));
            samples[i] = new MetricSample(instance.Metric, instance.LabelValues, value);
        }

        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref Head->Sequence) != sequence) return false;
        snapshot = new MetricsSnapshot(samples);
        return true;
    }

    private bool TryParseDirectory(out Instance[] instances)
    {
        instances = [];
        var used = Volatile.Read(ref Head->DeclarationBytesUsed);
        var count = Volatile.Read(ref Head->Instances);
        if (used > MetricsLayout.DeclarationBytes || count > _maxInstances) return false;
        new ReadOnlySpan<byte>(_region.Start + MetricsLayout.PageBytes, (int)used).CopyTo(_declarationBytes);
        if (!TryParseDeclarations(_declarationBytes.AsSpan(0, (int)used), out var metrics)) return false;
        var found = new List<Instance>();
        Span<byte> place = stackalloc byte[MetricsLayout.InstanceBytes];
        for (var i = 0; i < count; i++)
        {
            new ReadOnlySpan<byte>(_region.Start + MetricsLayout.InstancesOffset + (long)i * MetricsLayout.InstanceBytes,
                place.Length).CopyTo(place);
            var head = System.Runtime.InteropServices.MemoryMarshal.Read<MetricInstanceHead>(place);
            if (head.State == 0) continue;
            var values = (ulong)MetricsLayout.ValuesOffset(_maxInstances);
            var inside = head.ValueOffset >= values && head.ValueOffset <= (ulong)_region.Bytes - sizeof(ulong)
                && head.ValueOffset % sizeof(ulong) == 0;
            if (head.State != 1 || !inside || head.Declaration >= metrics.Count) return false;
            var metric = metrics[(int)head.Declaration];
            if (!TryParseLabels(place[MetricsLayout.InstanceHeadBytes..], metric.Labels.Length, out var labels)) return false;
            found.Add(new Instance(head.Declaration, metric, labels, head.ValueOffset));
        }

        instances = [.. found.OrderBy(instance => instance.Declaration)];
        return true;
    }

    private static bool TryParseDeclarations(ReadOnlySpan<byte> bytes, out List<MetricDeclaration> metrics)
    {
        metrics = [];
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < 4) return false;
            var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
            if (length < 2 || length > bytes.Length - 2 || bytes[2] > (byte)MetricKind.Gauge) return false;
            var rest = bytes.Slice(4, length - 2);
            var texts = new string[3 + bytes[3]];
            for (var i = 0; i < texts.Length; i++)
            {
                if (rest.Length < 2) return false;
                var size = BinaryPrimitives.ReadUInt16LittleEndian(rest);
                if (size > rest.Length - 2) return false;
                texts[i] = Encoding.UTF8.GetString(rest.Slice(2, size));
                rest = rest[(2 + size)..];
            }

            metrics.Add(new MetricDeclaration(texts[0], texts[1], texts[2], (MetricKind)bytes[2], texts[3..]));
            bytes = bytes[(2 + length)..];
        }

        return true;
    }

    private static bool TryParseLabels(ReadOnlySpan<byte> bytes, int count, out string[] labels)
    {
        labels = new string[count];
        for (var i = 0; i < count; i++)
        {
            if (bytes.IsEmpty || bytes[0] > bytes.Length - 1) return false;
            labels[i] = Encoding.UTF8.GetString(bytes.Slice(1, bytes[0]));
            bytes = bytes[(1 + bytes[0])..];
        }

        return true;
    }
}
