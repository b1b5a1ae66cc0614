using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Messages;

/// <summary>Takes the flow of a handle out; answered with its final counters. No FlowRemoved event follows.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct FlowDeleteCommand
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 12;

    public FlowHandle Flow;
    public FlowRemovedReason Reason;
    private byte _reserved;
    private ushort _reserved2;

    /// <summary>Reads a payload; false when its size or reason is wrong.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out FlowDeleteCommand command)
    {
        command = default;
        return payload.Length == Size && MemoryMarshal.TryRead(payload, out command)
            && command.Reason <= FlowRemovedReason.Replaced;
    }
}
