namespace KernelBypass.Channel.SharedMemory;

/// <summary>Reads flow counters, mapped read-only; stops nobody. Thread-safe.</summary>
public sealed unsafe class FlowStatsReader : IDisposable
{
    private readonly SharedRegion _region;
    private readonly uint _lcores;
    private readonly long _lcoreBytes;

    private FlowStatsReader(SharedRegion region, uint lcores, uint flows)
    {
        _region = region;
        _lcores = lcores;
        Flows = flows;
        _lcoreBytes = FlowStatsLayout.LcoreBytes(flows);
    }

    /// <summary>Slots there are.</summary>
    public uint Flows { get; }

    /// <summary>Maps the flow counters of the data plane in a run directory.</summary>
    /// <exception cref="ChannelException">There are none, or they are of another release.</exception>
    public static FlowStatsReader Open(RunDirectory directory)
    {
        var region = SharedRegion.Open(directory.FlowStats, FlowStatsLayout.PageBytes, writable: false);
        var head = *(FlowStatsLayout*)region.Start;

        // Every lcore has at least a page: with more of them than the file has pages, the product that is its size would
        // overflow.
        var lcoresFit = head.Lcores <= region.Bytes / FlowStatsLayout.PageBytes;
        var fits = lcoresFit && head.Magic == FlowStatsLayout.MagicValue && head.Version == FlowStatsLayout.CurrentVersion
            && head.FileBytes == (ulong)region.Bytes && FlowStatsLayout.TotalBytes(head.Lcores, head.Flows) == region.Bytes;
        if (fits) return new FlowStatsReader(region, head.Lcores, head.Flows);
        region.Dispose();
        throw new ChannelException(
            $"'{directory.FlowStats}' is not from this release of kernelbypass-dataplane: run both processes of one release");
    }

    /// <summary>Packets and bytes of a slot over all lcores; zeros for a slot that does not exist.</summary>
    public FlowCounters Read(uint slot)
    {
        var sum = default(FlowCounters);
        if (slot >= Flows) return sum;
        var place = (FlowCounters*)(_region.Start + FlowStatsLayout.PageBytes) + slot;
        for (var i = 0; i < _lcores; i++)
        {
            sum.Packets += Volatile.Read(ref place->Packets);
            sum.Bytes += Volatile.Read(ref place->Bytes);
            place = (FlowCounters*)((byte*)place + _lcoreBytes);
        }

        return sum;
    }

    /// <inheritdoc/>
    public void Dispose() => _region.Dispose();
}
