namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// Quiescent-state reclamation: tells when no lcore, and no packet waiting in a ring between lcores, can still hold a pointer
/// that
/// was unpublished before <see cref="Start"/>. Used by the single writer only.
/// </summary>
public interface IGracePeriod
{
    /// <summary>Begins a grace period; call after unpublishing. Cheap: a snapshot of turn counters and ring positions.</summary>
    ulong Start();

    /// <summary>
    /// Whether that grace period, and so every earlier one, is over. Tokens are asked for in the order of their start.
    /// </summary>
    bool HasPassed(ulong token);
}
