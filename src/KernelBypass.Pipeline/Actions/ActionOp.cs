using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Actions;

/// <summary>One compiled action: 32 bytes, so that two stand in a cache line and the interpreter steps by a constant.</summary>
[StructLayout(LayoutKind.Explicit, Size = 32)]
public unsafe struct ActionOp
{
    [FieldOffset(0)] public ActionKind Kind;

    /// <summary>SetField: the field.</summary>
    [FieldOffset(1)] public MatchField Field;

    /// <summary>PushVlan: TPID; output to the controller: max_len.</summary>
    [FieldOffset(2)] public ushort Argument;

    /// <summary>Output: port number.</summary>
    [FieldOffset(4)] public uint Port;

    /// <summary>What the executor switches on; set by <see cref="ActionCompiler"/>.</summary>
    [FieldOffset(8)] internal ActionCode Code;

    /// <summary>SetField: the value in network order, left-aligned.</summary>
    [FieldOffset(16)] public fixed byte Value[16];
}
