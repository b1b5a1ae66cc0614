namespace KernelBypass.Pipeline.Packets;

/// <summary>
/// Which words of the flow key some table looks at: bit i is word i. The tables' single writer sets it, the parser reads it once
/// a burst and leaves words 7 to 15 of a packet unwritten when none is wanted and the packet has no use for them.
/// </summary>
/// <remarks>
/// Set a bit at least one grace period before the first flow that needs it is published. Every field in words 7 to 13 has
/// prerequisites (IPv6, ARP) in words that are always written, and packets that fulfil them always get all words; so a late
/// bit could only concern vlan_tpid in word 14.
/// </remarks>
public sealed class KeyWordDemand
{
    /// <summary>Every word.</summary>
    public const uint All = 0xffff;

    /// <summary>The words that are not written unless needed.</summary>
    public const uint Optional = 0xff80;

    private uint _words = All;

    /// <summary>The words in demand.</summary>
    public uint Words
    {
        get => Volatile.Read(ref _words);
        set => Volatile.Write(ref _words, value);
    }
}
