using KernelBypass.Dpdk;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// The main lcore's end of a punt ring: packets that lcores handed over, each an mbuf with a <see cref="PuntHeader"/>. What is
/// read is the
/// reader's, to be freed.
/// </summary>
public sealed unsafe class PuntReader
{
    private readonly Ring _ring;

    internal PuntReader(Ring ring) => _ring = ring;

    /// <summary>Packets waiting.</summary>
    public int Waiting => (int)_ring.Count;

    /// <summary>Takes up to <paramref name="capacity"/> packets; returns how many. Never waits, allocates nothing.</summary>
    public int Read(Mbuf* packets, int capacity) => (int)_ring.DequeueBurst(packets, (uint)capacity);

    /// <summary>What came with a packet.</summary>
    public static ref PuntHeader HeaderOf(Mbuf packet) => ref packet.Private<PuntHeader>();
}
