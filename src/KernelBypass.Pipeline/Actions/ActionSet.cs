using System.Numerics;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Actions;

/// <summary>
/// The action set that a packet carries from table to table (OpenFlow 1.3.5, 5.10): at most one action of each kind, one
/// set_field a field; a later one replaces an earlier one.
/// </summary>
internal unsafe struct ActionSet
{
    private const int Fields = 64;

    private uint _kinds;
    private ulong _fields;
    private fixed long _byKind[8];
    private fixed long _byField[Fields];

    /// <summary>The flow whose write-actions gave the output.</summary>
    internal FlowEntry* OutputFlow { get; private set; }

    internal readonly bool IsEmpty => (_kinds | _fields) == 0;

    internal void Clear()
    {
        _kinds = 0;
        _fields = 0;
        OutputFlow = null;
    }

    /// <summary>Merges a flow's write-actions.</summary>
    internal void Write(FlowEntry* flow)
    {
        var end = flow->Write + flow->WriteCount;
        for (var op = flow->Write; op < end; op++)
        {
            if (op->Kind == ActionKind.SetField)
            {
                _fields |= 1ul << (int)op->Field;
                _byField[(int)op->Field & (Fields - 1)] = (long)op;
                continue;
            }

            _kinds |= 1u << (int)op->Kind;
            _byKind[(int)op->Kind & 7] = (long)op;
            if (op->Kind == ActionKind.Output) OutputFlow = flow;
        }
    }

    /// <summary>The action of a kind other than set_field, or null.</summary>
    internal readonly ActionOp* Find(ActionKind kind) => (_kinds & (1u << (int)kind)) == 0 ? null : (ActionOp*)_byKind[(int)kind & 7];

    /// <summary>Takes the set_field of the lowest field number out of the set, or returns null.</summary>
    internal ActionOp* TakeSetField()
    {
        if (_fields == 0) return null;
        var field = BitOperations.TrailingZeroCount(_fields);
        _fields &= _fields - 1;
        return (ActionOp*)_byField[field];
    }
}
