using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Engine;

/// <summary>Refuses pipelines and placements that cannot run, before anything is touched.</summary>
internal static class PlacementCheck
{
    /// <summary>Most chains: each costs a hop.</summary>
    public const int MaxChains = 8;

    /// <summary>Checks stages and their options.</summary>
    /// <exception cref="PipelineException">Says which stage and why.</exception>
    public static void Stages(IReadOnlyList<StageSpec> stages, StageCatalogue catalogue)
    {
        if (stages.Count == 0) throw new PipelineException("The pipeline has no stages: it needs at least rx and tx.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var stage in stages)
        {
            if (!names.Add(stage.Name))
                throw new PipelineException($"Two stages are called {stage.Name}: give one another name.");
            var kind = catalogue.Find(stage.Kind) ?? throw new PipelineException(
                $"Stage {stage.Name} is of kind {stage.Kind}, which does not exist; there are " +
                $"{string.Join(", ", catalogue.Kinds.Select(k => k.Declaration.Kind))}.");
            Options(stage, kind);
        }

        for (var i = 0; i < stages.Count; i++)
        {
            if ((stages[i].Kind == "rx") != (i == 0)) throw new PipelineException(
                $"Stage {stages[i].Name} stands at place {i}: exactly one stage of kind rx is needed, at place 0.");
            if ((stages[i].Kind == "tx") != (i == stages.Count - 1)) throw new PipelineException(
                $"Stage {stages[i].Name} stands at place {i}: exactly one stage of kind tx is needed, at the last place.");
        }
    }

    /// <summary>Checks chains against stages and the lcores that EAL has.</summary>
    /// <exception cref="PipelineException">Says which chain, stage or lcore, and why.</exception>
    public static void Placement(
        IReadOnlyList<StageSpec> stages, IReadOnlyList<ChainSpec> placement, IReadOnlyCollection<int> workers)
    {
        if (placement.Count is 0 or > MaxChains)
            throw new PipelineException($"The placement has {placement.Count} chains: it needs 1 to {MaxChains}.");
        var next = 0;
        var used = new Dictionary<int, int>();
        for (var c = 0; c < placement.Count; c++)
        {
            var chain = placement[c];
            if (chain.Stages.Count == 0) throw new PipelineException($"Chain {c} of the placement has no stages.");
            if (chain.Lcores.Count == 0) throw new PipelineException($"Chain {c} ({chain}) has no lcores.");
            foreach (var name in chain.Stages)
            {
                if (next < stages.Count && stages[next].Name == name)
                {
                    next++;
                    continue;
                }

                throw new PipelineException(stages.Any(s => s.Name == name)
                    ? $"Chain {c} ({chain}) names stage {name} where " +
                      $"{(next < stages.Count ? stages[next].Name : "no stage")} is due: " +
                      $"the chains together must hold {string.Join(", ", stages.Select(s => s.Name))} once, in this order."
                    : $"Chain {c} ({chain}) names stage {name}, which the pipeline does not have.");
            }

            foreach (var lcore in chain.Lcores) Lcore(c, chain, lcore, workers, used);
        }

        if (next < stages.Count) throw new PipelineException($"No chain of the placement holds stage {stages[next].Name}.");
    }

    private static void Lcore(int c, ChainSpec chain, int lcore, IReadOnlyCollection<int> workers, Dictionary<int, int> used)
    {
        if (!workers.Contains(lcore)) throw new PipelineException(
            $"Chain {c} ({chain}) names lcore {lcore}, which is no worker lcore; there are " +
            $"{string.Join(", ", workers.Order())}.");
        if (!used.TryAdd(lcore, c))
        {
            throw new PipelineException(
                $"Lcore {lcore} stands in chain {used[lcore]} and again in chain {c}: it can run one chain.");
        }
    }

    private static void Options(StageSpec stage, StageKind kind)
    {
        foreach (var (name, value) in stage.Options)
        {
            var option = kind.Declaration.Options.FirstOrDefault(o => o.Name == name) ?? throw new PipelineException(
                $"Stage {stage.Name} has no option {name}; kind {stage.Kind} has " +
                $"{string.Join(", ", kind.Declaration.Options.Select(o => o.Name).DefaultIfEmpty("none"))}.");
            if (value < option.Minimum || value > option.Maximum) throw new PipelineException(
                $"Stage {stage.Name}: option {name} is {value}; it must be {option.Minimum} to {option.Maximum}.");
        }
    }
}
