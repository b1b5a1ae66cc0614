namespace KernelBypass.Daemon.Flows;

/// <summary>Where the data plane keeps a flow: a slot, and which use of the slot it is.</summary>
internal readonly record struct FlowHandle(uint Slot, uint Generation)
{
    /// <summary>Not installed.</summary>
    internal static FlowHandle None => new(uint.MaxValue, 0);

    internal bool IsNone => Slot == uint.MaxValue;
}
