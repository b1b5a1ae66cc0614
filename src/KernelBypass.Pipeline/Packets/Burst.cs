namespace KernelBypass.Pipeline.Packets;

/// <summary>
/// Packets on their way through one lcore's chain. A stage changes it in place: rx fills it, parse and classify drop from it, actions may
/// make it longer (flood, several outputs), tx empties it.
/// </summary>
public unsafe ref struct Burst
{
    /// <summary>Most packets that rx or a ring hands on at once.</summary>
    public const int MaxReceive = 32;

    /// <summary>Room for packets, reached only by actions with many outputs.</summary>
    public const int Capacity = 2048;

    /// <summary>rte_mbuf pointers; room for <see cref="Capacity"/>.</summary>
    public void** Packets;

    /// <summary>Packets in it.</summary>
    public int Count;
}
