using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Engine;

/// <summary>Mempools and the rings to and from the main lcore.</summary>
internal sealed unsafe class EngineMemory : IDisposable
{
    private static int s_instances;

    private readonly EngineOptions _options;
    private readonly Dictionary<int, Mempool> _rxPools = [];
    private readonly Dictionary<int, Ring> _inboxes = [];
    private readonly int _instance = Interlocked.Increment(ref s_instances);

    internal EngineMemory(EngineOptions options)
    {
        _options = options;
        CopyPool = Create("copy", options.CopyPoolSize, -1);
        PacketIns = CreateRing(options.PacketInRingSize);
        Captures = CreateRing(options.CaptureRingSize);
        StartInbox = CreateRing(options.InboxSize);
        Traces = new TraceTable(options.TraceRecords);
    }

    /// <summary>Bytes of a frame that fit in one mbuf.</summary>
    internal int SegmentBytes => _options.DataRoomBytes - Mbuf.DefaultHeadroom;

    internal Mempool CopyPool { get; }

    internal Ring PacketIns { get; }

    internal Ring Captures { get; }

    /// <summary>Packets of the main lcore that begin at the first stage after rx.</summary>
    internal Ring StartInbox { get; }

    internal TraceTable Traces { get; }

    internal CaptureMisses CaptureMisses { get; } = new();

    internal int PoolCount => _rxPools.Count + 1;

    internal IEnumerable<Mempool> Pools => _rxPools.Values.Append(CopyPool);

    /// <summary>The rx pool of a NUMA node, made when the first port of the node comes.</summary>
    internal Mempool RxPool(int numaNode)
    {
        if (!_rxPools.TryGetValue(numaNode, out var pool))
            _rxPools.Add(numaNode, pool = Create($"rx{numaNode}", _options.RxPoolSize, numaNode));
        return pool;
    }

    /// <summary>
    /// Ring of packets that an lcore sends for others: those without a tx queue of their own, and the main lcore.
    /// </summary>
    internal Ring Inbox(int lcore)
    {
        if (!_inboxes.TryGetValue(lcore, out var ring)) _inboxes.Add(lcore, ring = CreateRing(_options.InboxSize));
        return ring;
    }

    /// <summary>A copy with its meta, untraced; null when the pool is empty.</summary>
    internal void* Copy(void* mbuf, uint maxLength)
    {
        var source = (RteMbuf*)mbuf;
        var copy = CopyPool.Copy(new Mbuf(source), 0, Math.Min(maxLength, source->pkt_len));
        if (copy.IsNull) return null;
        var meta = (PacketMeta*)copy.PrivateArea;
        *meta = *(PacketMeta*)(source + 1);
        meta->Traced = 0;
        return copy.Pointer;
    }

    public void Dispose()
    {
        foreach (var ring in _inboxes.Values.Append(PacketIns).Append(Captures).Append(StartInbox))
        {
            Empty(ring);
            ring.Dispose();
        }

        foreach (var pool in Pools) pool.Dispose();
        Traces.Dispose();
    }

    private static void Empty(Ring ring)
    {
        void* mbuf;
        while (ring.DequeueBurst(&mbuf, 1) == 1) new Mbuf((RteMbuf*)mbuf).Free();
    }

    private static Ring CreateRing(int size) => Ring.Create(new RingOptions { Capacity = (uint)size, SingleConsumer = true });

    private Mempool Create(string name, int count, int numaNode) => Mempool.Create(new MempoolOptions
    {
        Name = $"kb{_instance}_{name}",
        Count = (uint)count,
        CacheSize = (uint)_options.PoolCacheSize,
        PrivateSize = PacketMeta.Size,
        DataRoom = (ushort)_options.DataRoomBytes,
        NumaNode = numaNode,
    });
}
