using KernelBypass.Model.Declarations;

namespace KernelBypass.Pipeline.Engine;

/// <summary>Why the engine itself drops packets, between stages.</summary>
public static class EngineDropReasons
{
    /// <summary>Stands where a stage's kind stands.</summary>
    public const string Owner = "engine";

    /// <summary>Index of the reason: the ring to the next chain stayed full.</summary>
    public const int RingFull = 0;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<DropReasonDeclaration> All { get; } =
    [
        new("ring_full",
            "The ring to the next lcore stayed full for 1 ms: give the next chain more lcores (pipeline.placement)."),
    ];
}
