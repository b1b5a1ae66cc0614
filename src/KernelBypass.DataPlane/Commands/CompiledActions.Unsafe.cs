using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.DataPlane.Commands;

/// <summary>Flow entries of the main lcore's own, outside the tables: for packet-outs.</summary>
internal sealed unsafe class CompiledActions : IDisposable
{
    private const int MaxActions = 2048;

    private readonly ActionOp* _ops = (ActionOp*)NativeMemory.AlignedAlloc(MaxActions * (nuint)sizeof(ActionOp), 64);
    private readonly FlowEntry* _entry = (FlowEntry*)NativeMemory.AlignedAlloc((nuint)sizeof(FlowEntry), 64);

    /// <summary>The entry that was compiled last.</summary>
    internal FlowEntry* Entry => _entry;

    /// <summary>Compiles apply- and write-actions that have been checked; false when there are too many.</summary>
    internal bool TryCompile(in FlowSpecHeader head, ReadOnlySpan<byte> apply, ReadOnlySpan<byte> write)
    {
        var count = ActionCompiler.Count(apply) + ActionCompiler.Count(write);
        if (count > MaxActions) return false;
        var applied = ActionCompiler.Compile(apply, new Span<ActionOp>(_ops, MaxActions));
        var written = ActionCompiler.Compile(write, new Span<ActionOp>(_ops + applied, MaxActions - applied));
        *_entry = new FlowEntry
        {
            Priority = head.Priority,
            TableId = head.TableId,
            GotoTable = head.GotoTable,
            Flags = head.Flags,
            Cookie = head.Cookie,
            MetadataValue = head.MetadataValue,
            MetadataMask = head.MetadataMask,
            Apply = _ops,
            Write = _ops + applied,
            ApplyCount = (ushort)applied,
            WriteCount = (ushort)written,
            ClearActions = head.ClearActions,
            IsTableMiss = head.Priority == 0 && head.MatchBytes == 0 ? (byte)1 : (byte)0,
        };
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_ops);
        NativeMemory.AlignedFree(_entry);
    }
}
