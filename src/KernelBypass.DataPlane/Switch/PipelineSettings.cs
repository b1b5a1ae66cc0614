using KernelBypass.DataPlane.Configuration;
using KernelBypass.Pipeline.Engine;

namespace KernelBypass.DataPlane.Switch;

/// <summary>From the configuration to the engine's options, stages and placement.</summary>
internal static class PipelineSettings
{
    /// <summary>Kinds of the stages when none are configured.</summary>
    internal static IReadOnlyList<string> DefaultStages { get; } = ["rx", "parse", "classify", "actions", "tx"];

    internal static EngineOptions Options(DataPlaneConfig config) => new()
    {
        IdleSpinPolls = config.Idle.SpinPolls,
        IdlePausePolls = config.Idle.PausePolls,
        MaxSleepMicroseconds = config.Idle.MaxSleepUs,
        PacketInRingSize = config.Limits.PacketInRing,
        InboxSize = config.Limits.PacketOutRing,
        RxPoolSize = config.Mempool.Mbufs,
        CopyPoolSize = Math.Max(4095, config.Mempool.Mbufs / 2),
        PoolCacheSize = config.Mempool.Cache,
        DataRoomBytes = config.Mempool.DataRoomBytes,
    };

    internal static PipelineDescription From(DataPlaneConfig config, int[] lcores)
    {
        StageSpec[] stages = config.Pipeline.Stages.Count == 0
            ? [.. DefaultStages.Select(kind => Spec(kind, kind, new Dictionary<string, long>(), config))]
            : [.. config.Pipeline.Stages.Select(s => Spec(s.Name.Length == 0 ? s.Kind : s.Name, s.Kind, s.Options, config))];
        return config.Pipeline.Placement.Count == 0
            ? PipelineDescription.OneChain(stages, lcores)
            : new PipelineDescription(
                stages, [.. config.Pipeline.Placement.Select(chain => new ChainSpec(chain.Stages, chain.Lcores))]);
    }

    /// <summary>The ageing time of stations is a limit of the switch; the actions stage has it as an option, which wins when it
    /// is given.</summary>
    private static StageSpec Spec(string name, string kind, IReadOnlyDictionary<string, long> options, DataPlaneConfig config)
    {
        const string AgeOption = "mac_age_seconds";
        if (kind != "actions" || options.ContainsKey(AgeOption)) return new StageSpec(name, kind, options);
        return new StageSpec(name, kind, new Dictionary<string, long>(options) { [AgeOption] = config.Limits.MacAgeS });
    }
}
