using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>
/// Answer to <see cref="MessageType.BatchCommit"/>. When it failed nothing was changed, and the items have no answers of their
/// own;
/// when it was carried out their answers came before.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct BatchCompletion
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 56;

    /// <summary>Items carried out: all or 0.</summary>
    public uint Applied;

    /// <summary>The item that failed; meaningless when all went well.</summary>
    public uint FailedIndex;

    /// <summary>Its error, or Ok.</summary>
    public FlowResult Result;

    /// <summary>Reads a payload; false when its size is wrong.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> payload, out BatchCompletion completion)
    {
        completion = default;
        return payload.Length == Size && MemoryMarshal.TryRead(payload, out completion);
    }
}
