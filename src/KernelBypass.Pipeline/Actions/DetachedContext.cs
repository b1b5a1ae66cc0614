using System.Runtime.InteropServices;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// A stage context without an engine: what a stage drops and punts is kept for whoever asks. For explain and tests; allocates.
/// </summary>
public sealed unsafe class DetachedContext : StageContext, IDisposable
{
    private readonly Dictionary<string, long> _options;
    private readonly Dictionary<string, nint> _counters = [];
    private readonly List<(int Reason, byte[] Frame)> _drops = [];
    private readonly List<(PuntKind Kind, PuntInfo Info, byte[] Frame)> _punts = [];
    private readonly TraceRecord* _trace;

    /// <summary>A context over packets of <paramref name="packets"/>.</summary>
    /// <param name="packets">Where copies come from and freed packets go.</param>
    /// <param name="options">Options that stages will ask for; one that is missing is 0.</param>
    public DetachedContext(DetachedPackets packets, Dictionary<string, long>? options = null)
    {
        Packets = packets;
        _options = options ?? [];
        _trace = (TraceRecord*)NativeMemory.AllocZeroed(TraceRecord.SizeInBytes);
    }

    /// <summary>Where copies come from.</summary>
    public DetachedPackets Packets { get; }

    /// <summary>Copies that may still be made; for tests of an exhausted mempool.</summary>
    public int CopiesLeft { get; set; } = int.MaxValue;

    /// <summary>What was dropped: index of the reason in the stage's declaration, and the packet's bytes.</summary>
    public IReadOnlyList<(int Reason, byte[] Frame)> Drops => _drops;

    /// <summary>What went to the main lcore.</summary>
    public IReadOnlyList<(PuntKind Kind, PuntInfo Info, byte[] Frame)> Punts => _punts;

    /// <summary>The steps of the traced packet. One packet is traced at a time.</summary>
    public TraceRecord* Trace => _trace;

    /// <inheritdoc/>
    public override int LcoreId => 0;

    /// <inheritdoc/>
    public override long Option(string name) => _options.GetValueOrDefault(name);

    /// <inheritdoc/>
    public override ulong* Counter(string metricName, params ReadOnlySpan<string> labelValues)
    {
        if (!_counters.TryGetValue(metricName, out var counter))
            _counters[metricName] = counter = (nint)NativeMemory.AllocZeroed(sizeof(ulong));
        return (ulong*)counter;
    }

    /// <inheritdoc/>
    public override void Drop(void* mbuf, int reason)
    {
        _drops.Add((reason, DetachedPackets.Frame(mbuf)));
        Packets.Free(mbuf);
    }

    /// <inheritdoc/>
    public override void Free(void* mbuf) => Packets.Free(mbuf);

    /// <inheritdoc/>
    public override bool Punt(void* mbuf, PuntKind kind, in PuntInfo info)
    {
        _punts.Add((kind, info, DetachedPackets.Frame(mbuf)));
        Packets.Free(mbuf);
        return true;
    }

    /// <inheritdoc/>
    public override void* Copy(void* mbuf, uint maxLength) => CopiesLeft-- > 0 ? Packets.Copy(mbuf, maxLength) : null;

    /// <inheritdoc/>
    public override TraceRecord* TraceOf(void* mbuf) => _trace;

    /// <inheritdoc/>
    public override void EndTrace(void* mbuf) => DetachedPackets.Meta(mbuf)->Traced = 0;

    /// <summary>Forgets drops, punts and steps.</summary>
    public void Clear()
    {
        _drops.Clear();
        _punts.Clear();
        *_trace = default;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_trace);
        foreach (var counter in _counters.Values) NativeMemory.Free((void*)counter);
        _counters.Clear();
    }
}
