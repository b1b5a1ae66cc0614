using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Stages;

/// <summary>
/// One stage on one lcore: each lcore that runs a stage has an instance of its own, so nothing in it is shared or locked.
/// The engine times it, counts what goes in and out, and moves it between lcores.
/// </summary>
public abstract class Stage(StageDeclaration declaration, StageContext context)
{
    /// <summary>The stage's declaration: kind, options, drop reasons, metrics.</summary>
    public StageDeclaration Declaration { get; } = declaration;

    /// <summary>What the engine gives the stage: its lcore, its drop counters, the punt ring.</summary>
    protected StageContext Context { get; } = context;

    /// <summary>
    /// Works on a burst in place. May run with an empty burst (once for each turn of the lcore's loop), so that a stage with
    /// buffers can flush. Allocates nothing, locks nothing, throws nothing.
    /// </summary>
    public abstract void Process(ref Burst burst);

    /// <summary>Called on the stage's lcore before it stops or moves: hand on whatever is buffered.</summary>
    public virtual void Drain(ref Burst burst)
    {
    }
}
