using System.Numerics;

namespace KernelBypass.Channel;

/// <summary>Sizes that the data plane makes the channel with.</summary>
public sealed record ChannelOptions
{
    /// <summary>Smallest ring.</summary>
    public const int MinRingBytes = 1 << 20;

    /// <summary>Bytes of the command ring; a power of two, at least <see cref="MinRingBytes"/>.</summary>
    public int CommandRingBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of the event ring.</summary>
    public int EventRingBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of the packet-out ring.</summary>
    public int PacketOutRingBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of the packet ring (packet-ins, captures, traces).</summary>
    public int PacketRingBytes { get; init; } = 8 << 20;

    /// <summary>Items that one all-or-nothing batch may have.</summary>
    public int BatchFlows { get; init; } = 65_536;

    /// <summary>The sizes in order of <see cref="SharedMemory.RingId"/>.</summary>
    internal int[] RingBytes => [CommandRingBytes, EventRingBytes, PacketOutRingBytes, PacketRingBytes];

    /// <summary>Refuses sizes that cannot be.</summary>
    /// <exception cref="ChannelException">A ring is too small or no power of two.</exception>
    internal void Validate()
    {
        foreach (var bytes in RingBytes)
        {
            if (bytes < MinRingBytes || !BitOperations.IsPow2(bytes))
                throw new ChannelException($"a channel ring of {bytes} bytes: give a power of two of at least {MinRingBytes}");
        }

        if (BatchFlows <= 0) throw new ChannelException($"limits.batch_flows is {BatchFlows}: give at least 1");
    }
}
