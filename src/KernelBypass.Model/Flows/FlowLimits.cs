namespace KernelBypass.Model.Flows;

/// <summary>The limits a flow is checked against. Each is a configuration key under <c>limits</c> and a metric.</summary>
/// <param name="Tables">Numbered tables: 0 to Tables - 1.</param>
/// <param name="ActionsPerFlow">Actions in one flow, apply and write together.</param>
public readonly record struct FlowLimits(byte Tables, int ActionsPerFlow)
{
    /// <summary>What the switch comes with.</summary>
    public static FlowLimits Default => new(Tables: 64, ActionsPerFlow: 64);
}
