namespace KernelBypass.Fuzz.Tests.Harness;

/// <summary>SplitMix64: a seed gives the same numbers on every machine and runtime, for ever.</summary>
internal sealed class FuzzRandom(ulong seed)
{
    private ulong _state = seed;

    internal ulong Next()
    {
        ulong z = _state += 0x9E37_79B9_7F4A_7C15;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 up to, not including, <paramref name="limit"/>; 0 when the limit is 0.</summary>
    internal int Below(int limit) => limit <= 0 ? 0 : (int)(Next() % (uint)limit);

    internal T Pick<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    internal byte Byte() => (byte)Next();
}
