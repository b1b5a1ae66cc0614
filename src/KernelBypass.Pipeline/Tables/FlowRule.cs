using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// A flow's block in the hot arena: what a lcore touches, cache line by cache line. Immutable once published.
/// <code>
///   0  FlowEntry                                     (64 bytes)
///  64  Mask, BlockBytes, KeyWords | masked key words, padded to 32 bytes
///   .  ActionOps: apply, then write                  (32 bytes each)
/// </code>
/// </summary>
[StructLayout(LayoutKind.Explicit)]
internal unsafe struct FlowRule
{
    internal const int KeyOffset = 80;

    [FieldOffset(0)] internal FlowEntry Entry;

    /// <summary>The flow's own mask; a tuple's may be coarser.</summary>
    [FieldOffset(64)] internal MatchMask* Mask;

    /// <summary>Size of the block, for its return to the arena.</summary>
    [FieldOffset(72)] internal uint BlockBytes;

    /// <summary>Bits of <see cref="RewriteKinds"/>: what the flow changes in the key before a later table.</summary>
    [FieldOffset(76)] internal RewriteKinds Rewrites;

    /// <summary>The masked key: one word for each word of the mask.</summary>
    internal static ulong* Key(FlowRule* rule) => (ulong*)((byte*)rule + KeyOffset);

    /// <summary>Offset of the actions behind so many key words.</summary>
    internal static int OpsOffset(int keyWords) => (KeyOffset + 8 * keyWords + 31) & ~31;
}

/// <summary>How apply-actions of a flow that goes on to a later table change the key.</summary>
[Flags]
internal enum RewriteKinds
{
    None = 0,
    SetField = 1,
    Vlan = 2,
    Ttl = 4,
}

/// <summary>One distinct mask of a table, shared by its flows. Readers use <see cref="Words"/> only.</summary>
internal unsafe struct MatchMask
{
    internal MaskWords Words;

    /// <summary>Flows with this mask.</summary>
    internal uint Flows;

    /// <summary>The coarser tuple that takes this mask's flows, or null.</summary>
    internal FlowTuple* Merged;

    /// <summary>The tuple with exactly this mask, or null.</summary>
    internal FlowTuple* Exact;
    internal MatchMask* Next;
    internal ulong Hash;
    internal FlowKey Full;
}

/// <summary>Flows of one priority in a tuple.</summary>
internal struct PriorityCount
{
    internal uint Priority;
    internal uint Flows;
}

/// <summary>
/// One hash table of a table: all its flows look at least at the bits of its mask. Readers use the first three fields.
/// </summary>
internal unsafe struct FlowTuple
{
    /// <summary>The buckets in force; a greater table is built aside and swapped in.</summary>
    internal TupleHash* Hash;

    /// <summary>1: some flow's mask is finer than the tuple's, so all candidates are compared under their own masks.</summary>
    internal byte Mixed;
    internal MaskWords Words;

    internal uint Flows;
    internal int MaskBits;
    internal FlowKey Full;

    /// <summary>Priorities in use, ascending.</summary>
    internal PriorityCount* Priorities;
    internal int PriorityCount;
    internal int PriorityCapacity;
    internal FlowTuple* Next;

    /// <summary>Highest priority of a flow in it; -1 when empty.</summary>
    internal readonly int MaxPriority => PriorityCount == 0 ? -1 : (int)Priorities[PriorityCount - 1].Priority;
}

/// <summary>Head of a bucket array; the buckets follow, aligned to cache lines.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal unsafe struct TupleHash
{
    internal const int Size = 64;

    /// <summary>Slots of a bucket that hold flows; the eighth points to an overflow bucket.</summary>
    internal const int SlotsPerBucket = 7;

    /// <summary>Words of a bucket: one cache line.</summary>
    internal const int BucketWords = 8;
    internal const int TagShift = 48;
    internal const ulong PointerMask = (1ul << TagShift) - 1;

    /// <summary>Bucket count minus one.</summary>
    [FieldOffset(0)] internal ulong Mask;

    /// <summary>Overflow buckets hanging on it, to be freed with it.</summary>
    [FieldOffset(8)] internal uint Overflows;

    internal static ulong* Bucket(TupleHash* table, ulong hash) =>
        (ulong*)((byte*)table + Size) + (hash & table->Mask) * BucketWords;

    /// <summary>The 16 tag bits of a hash in their place, never zero.</summary>
    internal static ulong Tag(ulong hash)
    {
        var tag = hash >> TagShift;
        return (tag == 0 ? 1 : tag) << TagShift;
    }

    internal static nuint Bytes(ulong buckets) => Size + (nuint)buckets * BucketWords * sizeof(ulong);
}

/// <summary>The tuples of one table as readers see them, ordered by highest priority. Immutable.</summary>
internal unsafe struct TupleList
{
    internal int Count;

    /// <summary>Tuples whose mask is not empty.</summary>
    internal int Hashed;

    internal static TupleRef* Items(TupleList* list) => (TupleRef*)((byte*)list + 8);

    internal static nuint Bytes(int count) => 8 + (nuint)(count * sizeof(TupleRef));
}

/// <summary>A tuple and its highest priority when the list was made.</summary>
internal unsafe struct TupleRef
{
    internal FlowTuple* Tuple;
    internal long MaxPriority;
}
