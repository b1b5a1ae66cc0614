using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// What holds of all tables together, for the lcores' caches. Immutable; each publication that may change the result for more
/// than one
/// cell of <see cref="PipelineRoot.Epochs"/> makes a new one.
/// </summary>
internal unsafe struct PipelineView
{
    /// <summary>Grows with each view.</summary>
    internal ulong Version;

    /// <summary>Every bit of a packet's key that its way through the tables depends on; metadata is not among them.</summary>
    internal MaskWords Union;

    /// <summary>
    /// The bits that choose a packet's epoch cell. A change of a flow whose match fixes all of them concerns only the packets
    /// of one cell.
    /// No words: there is no such mask, every change makes a new view.
    /// </summary>
    internal MaskWords Partition;

    /// <summary>1: probing table 0 is as cheap as probing a cache.</summary>
    internal byte IsDirect;
}

/// <summary>Where lcores start reading: one block at a fixed address.</summary>
internal unsafe struct PipelineRoot
{
    internal const int EpochCells = 1 << 16;

    internal PipelineView* View;

    /// <summary>Grace periods begun and ended one after another: what an lcore let go at value n is free at n + 2.</summary>
    internal ulong CompletedGraces;

    /// <summary>Counts, for each cell of the partition, the changes that concern it.</summary>
    internal uint* Epochs;
    internal fixed long Tables[256];

    internal static TupleList* Table(PipelineRoot* root, int table) => (TupleList*)Volatile.Read(ref root->Tables[table]);

    internal static PipelineView* CurrentView(PipelineRoot* root) => (PipelineView*)Volatile.Read(ref *(nint*)&root->View);
}
