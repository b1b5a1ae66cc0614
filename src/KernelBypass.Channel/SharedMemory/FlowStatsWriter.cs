namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// Makes flowstats.shm. The file is sparse: memory is taken as slots come into use, by <see cref="TryReserve"/>, so that a full
/// file
/// system is a refused flow and no SIGBUS on an lcore.
/// </summary>
public sealed unsafe class FlowStatsWriter : IDisposable
{
    /// <summary>Slots that are reserved together.</summary>
    private const long ChunkSlots = 4096;

    private readonly SharedRegion _region;
    private readonly long _lcoreBytes;
    private long _reserved;

    private FlowStatsWriter(SharedRegion region, int lcores, long flows)
    {
        _region = region;
        Lcores = lcores;
        Flows = flows;
        _lcoreBytes = FlowStatsLayout.LcoreBytes(flows);
    }

    /// <summary>Arrays in the file: one for each worker lcore.</summary>
    public int Lcores { get; }

    /// <summary>Slots in each array.</summary>
    public long Flows { get; }

    /// <summary>Makes the file, replacing what a crash left.</summary>
    /// <exception cref="ChannelException">It cannot be made.</exception>
    public static FlowStatsWriter Create(RunDirectory directory, int lcores, uint flows)
    {
        var bytes = FlowStatsLayout.TotalBytes(lcores, flows);
        var region = SharedRegion.Create(directory.FlowStats, bytes, reserve: false, mode: 0x1A0, made =>
        {
            if (!made.TryReserve(0, FlowStatsLayout.PageBytes)) throw new ChannelException(
                $"cannot reserve a page for '{directory.FlowStats}'");
            var head = (FlowStatsLayout*)made.Start;
            head->Magic = FlowStatsLayout.MagicValue;
            head->Version = FlowStatsLayout.CurrentVersion;
            head->FileBytes = (ulong)bytes;
            head->Lcores = (uint)lcores;
            head->Flows = flows;
            head->StartedUnixNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
        });
        return new FlowStatsWriter(region, lcores, flows);
    }

    /// <summary>The counters of one lcore, by slot; only slots that were reserved may be touched.</summary>
    /// <param name="index">0 to <see cref="Lcores"/> - 1.</param>
    public FlowCounters* ForLcore(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Lcores);
        return (FlowCounters*)(_region.Start + FlowStatsLayout.PageBytes + index * _lcoreBytes);
    }

    /// <summary>Makes sure of memory for a slot on every lcore; false when the file system of the run directory is
    /// full.</summary>
    public bool TryReserve(uint slot)
    {
        if (slot < _reserved) return true;
        if (slot >= Flows) return false;
        var until = Math.Min((slot / ChunkSlots + 1) * ChunkSlots, Flows);
        for (var i = 0; i < Lcores; i++)
        {
            var start = FlowStatsLayout.PageBytes + i * _lcoreBytes + _reserved * sizeof(FlowCounters);
            if (!_region.TryReserve(start, (until - _reserved) * sizeof(FlowCounters))) return false;
        }

        _reserved = until;
        return true;
    }

    /// <summary>Unmaps the file and takes it away: no lcore may count any more.</summary>
    public void Dispose() => _region.Dispose();
}
