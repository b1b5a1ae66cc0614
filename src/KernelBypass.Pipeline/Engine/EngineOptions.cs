namespace KernelBypass.Pipeline.Engine;

/// <summary>Sizes and bounds of the engine. All have a default that suits a switch of a few ports.</summary>
public sealed record EngineOptions
{
    /// <summary>Empty polls before an idle lcore begins to pause between polls.</summary>
    public int IdleSpinPolls { get; init; } = 1000;

    /// <summary>Empty polls with pauses between before it begins to sleep.</summary>
    public int IdlePausePolls { get; init; } = 1000;

    /// <summary>Longest sleep of an idle lcore, microseconds: the latency that idling may add. 0: never sleeps.</summary>
    public int MaxSleepMicroseconds { get; init; } = 1000;

    /// <summary>Packets that fit in the ring before an lcore of a later chain.</summary>
    public int RingSize { get; init; } = 4096;

    /// <summary>Microseconds for which a producer waits for room in a full ring before it drops (<c>ring_full</c>).</summary>
    public int RingRetryMicroseconds { get; init; } = 1000;

    /// <summary>Milliseconds within which every lcore must stop at a placement change; else the old placement stays.</summary>
    public int StopTimeoutMilliseconds { get; init; } = 5000;

    /// <summary>Packet-ins that may wait for the main lcore.</summary>
    public int PacketInRingSize { get; init; } = 2048;

    /// <summary>Captured packets that may wait for the main lcore.</summary>
    public int CaptureRingSize { get; init; } = 4096;

    /// <summary>
    /// Packets that the main lcore may have handed to an lcore (packet-out), and lcores to the owner of a tx queue.
    /// </summary>
    public int InboxSize { get; init; } = 2048;

    /// <summary>Mbufs of the rx mempool of each NUMA node.</summary>
    public int RxPoolSize { get; init; } = 32767;

    /// <summary>Mbufs of the mempool for copies: floods, packet-ins, captures.</summary>
    public int CopyPoolSize { get; init; } = 16383;

    /// <summary>Mbufs that each lcore keeps of a pool.</summary>
    public int PoolCacheSize { get; init; } = 256;

    /// <summary>Bytes of an mbuf's buffer, headroom included; longer packets take several mbufs.</summary>
    public int DataRoomBytes { get; init; } = 2176;

    /// <summary>Packets that may be traced at a time.</summary>
    public int TraceRecords { get; init; } = 64;

    /// <summary>Checks the bounds.</summary>
    /// <exception cref="PipelineException">Names the option, its value and its bounds.</exception>
    public EngineOptions Checked()
    {
        Check(IdleSpinPolls, 0, 1_000_000_000, "idle.spin_polls");
        Check(IdlePausePolls, 0, 1_000_000_000, "idle.pause_polls");
        Check(MaxSleepMicroseconds, 0, 1_000_000, "idle.max_sleep_us");
        Check(RingSize, 64, 1 << 20, "ring_size");
        Check(RingRetryMicroseconds, 0, 10_000_000, "ring_retry_us");
        Check(StopTimeoutMilliseconds, 10, 60_000, "stop_timeout_ms");
        Check(PacketInRingSize, 64, 1 << 20, "limits.packet_in_ring");
        Check(CaptureRingSize, 64, 1 << 20, "limits.capture_ring");
        Check(InboxSize, 64, 1 << 20, "limits.packet_out_ring");
        Check(PoolCacheSize, 0, 512, "mempool.cache");
        Check(RxPoolSize, Math.Max(511, PoolCacheSize * 2), 1 << 24, "mempool.size");
        Check(CopyPoolSize, Math.Max(511, PoolCacheSize * 2), 1 << 24, "mempool.copy_size");
        Check(DataRoomBytes, 1024, 16_384, "mempool.data_room_bytes");
        Check(TraceRecords, 1, 255, "limits.trace_records");
        return this;
    }

    private static void Check(int value, int minimum, int maximum, string name)
    {
        if (value < minimum || value > maximum)
            throw new PipelineException($"{name} is {value}; it must be {minimum} to {maximum}.");
    }
}
