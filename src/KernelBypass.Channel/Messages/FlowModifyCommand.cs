using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>
/// Gives the flow of a handle the instructions of an encoded flow. Match, priority, timeouts, cookie and counters stay. The
/// handle
/// stays valid.
/// </summary>
public static class FlowModifyCommand
{
    /// <summary>Splits a payload; false when it is too short. The flow itself is checked by the data plane.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out FlowHandle flow, out ReadOnlySpan<byte> spec)
    {
        spec = default;
        if (!MemoryMarshal.TryRead(payload, out flow)) return false;
        spec = payload[FlowHandle.Size..];
        return true;
    }
}
