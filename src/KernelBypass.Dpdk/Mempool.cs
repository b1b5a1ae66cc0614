using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>How to make a <see cref="Mempool"/>.</summary>
public sealed record MempoolOptions
{
    /// <summary>Unique name, at most 25 characters.</summary>
    public required string Name { get; init; }

    /// <summary>How many mbufs. 2^n - 1 uses memory best.</summary>
    public uint Count { get; init; } = 8191;

    /// <summary>Mbufs that each lcore keeps for itself, 0 to 512 and at most Count / 1.5.</summary>
    public uint CacheSize { get; init; } = 256;

    /// <summary>Bytes of data in an mbuf, headroom included.</summary>
    public ushort DataRoom { get; init; } = Mbuf.DefaultHeadroom + 2048;

    /// <summary>Bytes of private area behind each rte_mbuf, a multiple of 8.</summary>
    public ushort PrivateSize { get; init; }

    /// <summary>NUMA node of the memory, or -1 for any.</summary>
    public int NumaNode { get; init; } = -1;
}

/// <summary>A pool of packet buffers (rte_pktmbuf_pool_create).</summary>
public sealed unsafe class Mempool : IDisposable
{
    private void* _pool;
    private long _allocationFailures;

    private Mempool(void* pool, MempoolOptions options)
    {
        _pool = pool;
        Options = options;
    }

    /// <summary>What it was made with.</summary>
    public MempoolOptions Options { get; }

    /// <summary>struct rte_mempool*.</summary>
    public void* Pointer => _pool;

    /// <summary>How many mbufs it holds.</summary>
    public uint Count => Kb.kb_pool_size(_pool);

    /// <summary>
    /// Pieces of memory that the pool lies in: 1 unless memory is fragmented. net_af_xdp uses the first one only: give it a pool
    /// made early.
    /// </summary>
    public uint MemoryChunks => Kb.kb_pool_chunks(_pool);

    /// <summary>Mbufs that can be had, the lcores' caches included. Walks the caches: not for the packet path.</summary>
    public uint AvailableCount => Kb.kb_pool_available(_pool);

    /// <summary>Mbufs in use. Walks the caches: not for the packet path.</summary>
    public uint InUseCount => Kb.kb_pool_in_use(_pool);

    /// <summary>
    /// Allocations through this object that failed as the pool was empty. What a driver could not allocate is in
    /// <see cref="PortStats.RxNoMbuf"/>.
    /// </summary>
    public long AllocationFailures => Interlocked.Read(ref _allocationFailures);

    /// <summary>Makes a pool. Throws <see cref="DpdkException"/> that says what is short.</summary>
    public static Mempool Create(MempoolOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.PrivateSize % 8 != 0)
        {
            throw new ArgumentException($"Mempool {options.Name}: the private area is {options.PrivateSize} bytes; DPDK " +
                "wants a multiple of 8.");
        }

        if (options.CacheSize > 512 || options.CacheSize * 3 > options.Count * 2)
        {
            throw new ArgumentException($"Mempool {options.Name}: a cache of {options.CacheSize} is too large for " +
                $"{options.Count} mbufs; at most 512 and at most count / 1.5.");
        }

        int error;
        void* pool;
        fixed (byte* name = Kb.Zero(options.Name))
        {
            pool = Kb.kb_pool_create(
                name, options.Count, options.CacheSize, options.PrivateSize, options.DataRoom, options.NumaNode, &error);
        }

        if (pool is null)
            throw Refused(options, error);
        return new Mempool(pool, options);
    }

    /// <summary>One mbuf, or one that <see cref="Mbuf.IsNull"/> when the pool is empty (counted).</summary>
    public Mbuf Allocate()
    {
        RteMbuf* packet = Kb.kb_mbuf_alloc(_pool);
        if (packet is null)
            Interlocked.Increment(ref _allocationFailures);
        return new Mbuf(packet);
    }

    /// <summary>Fills <paramref name="packets"/> with <paramref name="count"/> mbufs, or none and false (counted once).</summary>
    public bool AllocateBulk(Mbuf* packets, uint count)
    {
        if (Kb.kb_mbuf_alloc_bulk(_pool, packets, count) == 0)
            return true;
        Interlocked.Increment(ref _allocationFailures);
        return false;
    }

    /// <summary>A packet of its own with the bytes of <paramref name="packet"/> (counted when the pool is empty).</summary>
    public Mbuf Copy(Mbuf packet, uint offset = 0, uint length = uint.MaxValue) =>
        Counted(Kb.kb_mbuf_copy(packet.Pointer, _pool, offset, length));

    /// <summary>
    /// An indirect packet over the data of <paramref name="packet"/>, which becomes shared: neither may write it.
    /// </summary>
    public Mbuf Clone(Mbuf packet) => Counted(Kb.kb_mbuf_clone(packet.Pointer, _pool));

    /// <summary>Gives the memory back. Every mbuf must have returned and no port may use it any more.</summary>
    public void Dispose()
    {
        if (_pool is null)
            return;
        Kb.kb_pool_free(_pool);
        _pool = null;
    }

    private Mbuf Counted(RteMbuf* packet)
    {
        if (packet is null)
            Interlocked.Increment(ref _allocationFailures);
        return new Mbuf(packet);
    }

    private static DpdkException Refused(MempoolOptions options, int error)
    {
        const int Exists = 17, NoMemory = 12, NameTooLong = 36;
        long megabytes = ((long)options.Count * (RteMbuf.SizeInBytes + 64 + options.PrivateSize + options.DataRoom)) >> 20;
        string remedy = Math.Abs(error) switch
        {
            Exists => "A pool of this name exists: choose another name.",
            NameTooLong => "Choose a name of at most 25 characters.",
            NoMemory => $"It needs about {megabytes + 1} MB: reserve more hugepages on the node, or raise " +
                "EalOptions.MemoryMegabytes.",
            _ => "",
        };
        return DpdkException.From(
            $"Mempool {options.Name} of {options.Count} mbufs on NUMA node {options.NumaNode}", error, remedy);
    }
}
