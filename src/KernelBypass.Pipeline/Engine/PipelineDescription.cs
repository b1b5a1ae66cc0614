namespace KernelBypass.Pipeline.Engine;

/// <summary>One named stage of a pipeline.</summary>
/// <param name="Name">Unique in the pipeline; its kind's name unless configured.</param>
/// <param name="Kind">A kind of the catalogue.</param>
/// <param name="Options">Options that differ from their defaults.</param>
public sealed record StageSpec(string Name, string Kind, IReadOnlyDictionary<string, long> Options)
{
    /// <summary>A stage with its defaults, called like its kind.</summary>
    public StageSpec(string kind)
        : this(kind, kind, new Dictionary<string, long>())
    {
    }
}

/// <summary>Consecutive stages that run on the same lcores.</summary>
/// <param name="Stages">Names of stages, in the pipeline's order.</param>
/// <param name="Lcores">Worker lcores: each runs an instance of every stage of the chain.</param>
public sealed record ChainSpec(IReadOnlyList<string> Stages, IReadOnlyList<int> Lcores)
{
    /// <summary>As <c>rx,parse@1,2</c>.</summary>
    public override string ToString() => $"{string.Join(',', Stages)}@{string.Join(',', Lcores)}";
}

/// <summary>What a packet passes through, and where: the engine's input.</summary>
/// <param name="Stages">In the order of a packet's way; the first is of kind rx, the last of kind tx.</param>
/// <param name="Placement">Chains in the order of the stages; together they hold every stage once.</param>
public sealed record PipelineDescription(IReadOnlyList<StageSpec> Stages, IReadOnlyList<ChainSpec> Placement)
{
    /// <summary>The default placement: one chain of all stages on every given lcore.</summary>
    public static PipelineDescription OneChain(IReadOnlyList<StageSpec> stages, params IReadOnlyList<int> lcores) =>
        new(stages, [new ChainSpec([.. stages.Select(s => s.Name)], lcores)]);
}

/// <summary>A pipeline, placement or port that cannot be had. The message names what is wrong, where, and the remedy.</summary>
public sealed class PipelineException : Exception
{
    /// <summary>With a message for people.</summary>
    public PipelineException(string message)
        : base(message)
    {
    }

    /// <summary>With a message for people and its cause.</summary>
    public PipelineException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
