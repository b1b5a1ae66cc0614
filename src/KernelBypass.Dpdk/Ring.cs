using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>How to make a <see cref="Ring"/>.</summary>
public sealed record RingOptions
{
    private static int s_unnamed;

    /// <summary>Unique name, at most 28 characters; a name is made up when none is given.</summary>
    public string Name { get; init; } = $"kb_ring_{Interlocked.Increment(ref s_unnamed)}";

    /// <summary>How many pointers it holds.</summary>
    public uint Capacity { get; init; } = 4096;

    /// <summary>NUMA node of the memory, or -1 for any.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>Only one thread ever enqueues.</summary>
    public bool SingleProducer { get; init; }

    /// <summary>Only one thread ever dequeues.</summary>
    public bool SingleConsumer { get; init; }
}

/// <summary>A lock-free FIFO of pointers (rte_ring); packets pass between lcores through it.</summary>
public sealed unsafe class Ring : IDisposable
{
    private void* _ring;

    private Ring(void* ring, RingOptions options)
    {
        _ring = ring;
        Options = options;
    }

    /// <summary>What it was made with.</summary>
    public RingOptions Options { get; }

    /// <summary>struct rte_ring*.</summary>
    public void* Pointer => _ring;

    /// <summary>Pointers in it now.</summary>
    public uint Count => Kb.kb_ring_count(_ring);

    /// <summary>Room in it now.</summary>
    public uint FreeCount => Kb.kb_ring_free_count(_ring);

    /// <summary>How many it holds at most.</summary>
    public uint Capacity => Kb.kb_ring_capacity(_ring);

    /// <summary>Makes a ring. Throws <see cref="DpdkException"/> when the name is taken or memory is short.</summary>
    public static Ring Create(RingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Capacity is 0 or > 0x3fff_ffff)
            throw new ArgumentException($"Ring {options.Name}: the capacity is 1 to {0x3fff_ffff}, not {options.Capacity}.");
        int error;
        void* ring;
        uint flags = (options.SingleProducer ? 1u : 0) | (options.SingleConsumer ? 2u : 0);
        fixed (byte* name = Kb.Zero(options.Name))
            ring = Kb.kb_ring_create(name, options.Capacity, options.NumaNode, flags, &error);
        if (ring is null)
        {
            throw DpdkException.From(
                $"Ring {options.Name} of {options.Capacity}", error, "Is the name taken, or longer than 28 characters?");
        }

        return new Ring(ring, options);
    }

    /// <summary>Pointers in a ring now; no GC transition.</summary>
    public static uint CountOf(void* ring) => Kb.kb_ring_count(ring);

    /// <summary>Enqueues as many as fit, from the first; returns how many. The rest stays the caller's.</summary>
    public static uint EnqueueBurst(void* ring, Mbuf* packets, uint count) =>
        Kb.kb_ring_enqueue_burst(ring, (void**)packets, count);

    /// <summary>Dequeues up to <paramref name="count"/>; returns how many.</summary>
    public static uint DequeueBurst(void* ring, Mbuf* packets, uint count) =>
        Kb.kb_ring_dequeue_burst(ring, (void**)packets, count);

    /// <inheritdoc cref="EnqueueBurst(void*, Mbuf*, uint)"/>
    public uint EnqueueBurst(Mbuf* packets, uint count) => Kb.kb_ring_enqueue_burst(_ring, (void**)packets, count);

    /// <inheritdoc cref="EnqueueBurst(void*, Mbuf*, uint)"/>
    public uint EnqueueBurst(void** objects, uint count) => Kb.kb_ring_enqueue_burst(_ring, objects, count);

    /// <summary>Enqueues all of them, or none and false.</summary>
    public bool EnqueueBulk(Mbuf* packets, uint count) => Kb.kb_ring_enqueue_bulk(_ring, (void**)packets, count) == count;

    /// <inheritdoc cref="DequeueBurst(void*, Mbuf*, uint)"/>
    public uint DequeueBurst(Mbuf* packets, uint count) => Kb.kb_ring_dequeue_burst(_ring, (void**)packets, count);

    /// <inheritdoc cref="DequeueBurst(void*, Mbuf*, uint)"/>
    public uint DequeueBurst(void** objects, uint count) => Kb.kb_ring_dequeue_burst(_ring, objects, count);

    /// <summary>Gives the memory back. What is still in it is the caller's to have taken out.</summary>
    public void Dispose()
    {
        if (_ring is null)
            return;
        Kb.kb_ring_free(_ring);
        _ring = null;
    }
}
