using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>Names one flow of the data plane: its counter slot, and which of the flows that have used the slot.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly record struct FlowHandle(uint Slot, uint Generation)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 8;
}
