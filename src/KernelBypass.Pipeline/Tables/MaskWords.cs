using System.Numerics;
using System.Runtime.CompilerServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>A mask without its zero words: only what it looks at costs a reader anything.</summary>
internal unsafe struct MaskWords
{
    /// <summary>Words with a bit set.</summary>
    internal int Count;
    internal fixed byte Index[FlowKeyLayout.Words];
    internal fixed ulong Value[FlowKeyLayout.Words];

    /// <summary>Writes the words of a full mask into memory that readers will see later.</summary>
    internal static void Fill(MaskWords* words, in FlowKey mask)
    {
        words->Count = 0;
        for (var i = 0; i < FlowKeyLayout.Words; i++)
        {
            if (mask[i] == 0) continue;
            words->Index[words->Count] = (byte)i;
            words->Value[words->Count++] = mask[i];
        }
    }

    /// <summary>Masks a key into <paramref name="masked"/> and hashes the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong HashMasked(MaskWords* words, ulong* key, ulong* masked)
    {
        var hash = FlowHash.Seed;
        var count = words->Count;
        for (var i = 0; i < count; i++)
        {
            var word = key[words->Index[i]] & words->Value[i];
            masked[i] = word;
            hash = FlowHash.Mix(hash, word);
        }

        return FlowHash.Finish(hash);
    }

    /// <summary>Whether a key, masked, equals the packed words of a flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool Matches(MaskWords* words, ulong* key, ulong* packed)
    {
        ulong difference = 0;
        for (var i = 0; i < words->Count; i++) difference |= (key[words->Index[i]] & words->Value[i]) ^ packed[i];
        return difference == 0;
    }
}

/// <summary>The hash of masked words: a multiplication for each word. The seed is the process's own, so that nobody can aim at
/// it.</summary>
internal static class FlowHash
{
    internal static readonly ulong Seed = (ulong)Random.Shared.NextInt64() | 1;

    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Mix(ulong hash, ulong word) => BitOperations.RotateLeft((hash ^ word) * Multiplier, 29);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static ulong Finish(ulong hash)
    {
        hash *= Multiplier;
        return hash ^ (hash >> 32);
    }
}

/// <summary>Set operations on whole masks and keys (writer only).</summary>
internal static class KeyAlgebra
{
    /// <summary>Whether every bit of <paramref name="inner"/> is in <paramref name="outer"/>.</summary>
    internal static bool Covers(in FlowKey outer, in FlowKey inner)
    {
        ulong missing = 0;
        for (var i = 0; i < FlowKeyLayout.Words; i++) missing |= inner[i] & ~outer[i];
        return missing == 0;
    }

    /// <summary>Whether some packet matches both.</summary>
    internal static bool Overlaps(in FlowKey key1, in FlowKey mask1, in FlowKey key2, in FlowKey mask2)
    {
        ulong difference = 0;
        for (var i = 0; i < FlowKeyLayout.Words; i++) difference |= (key1[i] ^ key2[i]) & mask1[i] & mask2[i];
        return difference == 0;
    }

    internal static bool Equal(in FlowKey left, in FlowKey right) => ((ReadOnlySpan<ulong>)left).SequenceEqual(right);

    internal static int Bits(in FlowKey mask)
    {
        var bits = 0;
        for (var i = 0; i < FlowKeyLayout.Words; i++) bits += BitOperations.PopCount(mask[i]);
        return bits;
    }

    internal static ulong Hash(in FlowKey mask)
    {
        ulong hash = 1;
        for (var i = 0; i < FlowKeyLayout.Words; i++) hash = FlowHash.Mix(hash, mask[i]);
        return FlowHash.Finish(hash);
    }
}
