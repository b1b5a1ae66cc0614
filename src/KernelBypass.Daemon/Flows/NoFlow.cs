using KernelBypass.Channel.Messages;

namespace KernelBypass.Daemon.Flows;

/// <summary>The handle of a flow that the data plane does not hold.</summary>
internal static class NoFlow
{
    internal static FlowHandle Handle => new(FlowResult.NoSlot, 0);

    internal static bool IsNone(this FlowHandle handle) => handle.Slot == FlowResult.NoSlot;
}
