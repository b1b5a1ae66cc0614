using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Model.Flows;
using TableHandle = KernelBypass.Pipeline.Tables.FlowHandle;

namespace KernelBypass.DataPlane.Commands;

/// <summary>
/// What a batch has changed so far, so that it can be taken back. Native memory that grows and is kept: a batch causes no
/// collection.
/// </summary>
internal sealed unsafe class BatchUndo(SwitchRuntime runtime) : IDisposable
{
    private enum Step
    {
        Added = 1,
        Replaced = 2,
        Modified = 3,
        Deleted = 4,
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        internal Step Step;
        internal FlowHandle Flow;
        internal int SpecOffset;
        internal int SpecBytes;
    }

    private Entry* _entries;
    private int _entryCapacity;
    private int _count;
    private byte* _specs;
    private int _specCapacity;
    private int _specUsed;
    private Entry _pending;

    /// <summary>Forgets everything.</summary>
    internal void Begin() => (_count, _specUsed) = (0, 0);

    /// <summary>An add follows: keeps the flow that it may replace.</summary>
    internal void WillAdd(ReadOnlySpan<byte> spec)
    {
        _pending = new Entry { Step = Step.Added };
        if (runtime.Tables.Find(spec, out var old).IsOk && runtime.Tables.TryGet(old, out _, out var oldSpec)) Keep(
            Step.Replaced, oldSpec);
    }

    /// <summary>A modify follows.</summary>
    internal void WillModify(FlowHandle flow)
    {
        _pending = default;
        if (runtime.Tables.TryGet(new TableHandle(flow.Slot, flow.Generation), out _, out var spec)) Keep(Step.Modified, spec);
    }

    /// <summary>A delete follows.</summary>
    internal void WillDelete(FlowHandle flow)
    {
        _pending = default;
        if (runtime.Tables.TryGet(new TableHandle(flow.Slot, flow.Generation), out _, out var spec)) Keep(Step.Deleted, spec);
    }

    /// <summary>What was announced has been done, or has failed.</summary>
    internal void Done(in FlowResult result)
    {
        if (!result.IsOk) return;
        if (_count == _entryCapacity)
        {
            _entryCapacity = Math.Max(1024, _entryCapacity * 2);
            _entries = (Entry*)NativeMemory.Realloc(_entries, (nuint)_entryCapacity * (nuint)sizeof(Entry));
        }

        _pending.Flow = new FlowHandle(result.Slot, result.Generation);
        _entries[_count++] = _pending;
    }

    /// <summary>Takes everything back, last things first.</summary>
    /// <returns>Whether a flow now has another handle than before the batch.</returns>
    internal bool Rollback(SwitchCommands commands)
    {
        var moved = false;
        for (var i = _count - 1; i >= 0; i--)
        {
            ref var entry = ref _entries[i];
            var spec = new ReadOnlySpan<byte>(_specs + entry.SpecOffset, entry.SpecBytes);
            switch (entry.Step)
            {
                case Step.Added:
                    // A flow that a later step replaced, and whose undo made again, has a handle of its own by now.
                    moved |= !commands.DeleteFlow(entry.Flow, FlowRemovedReason.Delete).IsOk && DeleteByIdentity(commands, entry);
                    break;
                case Step.Modified:
                    _ = commands.ModifyFlow(entry.Flow, spec);
                    break;
                default:
                    _ = commands.AddFlow(spec);
                    moved = true;
                    break;
            }
        }

        Begin();
        return moved;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_entries);
        NativeMemory.Free(_specs);
    }

    private bool DeleteByIdentity(SwitchCommands commands, in Entry entry)
    {
        // Its slot's present user is the one that was made again in its place.
        for (uint cursor = entry.Flow.Slot; runtime.Tables.Dump(ref cursor, out var info, out _);)
        {
            if (info.Handle.Slot != entry.Flow.Slot) break;
            _ = commands.DeleteFlow(new FlowHandle(info.Handle.Slot, info.Handle.Generation), FlowRemovedReason.Delete);
            break;
        }

        return true;
    }

    private void Keep(Step step, ReadOnlySpan<byte> spec)
    {
        if (_specUsed + spec.Length > _specCapacity)
        {
            _specCapacity = Math.Max(Math.Max(1 << 16, _specCapacity * 2), _specUsed + spec.Length);
            _specs = (byte*)NativeMemory.Realloc(_specs, (nuint)_specCapacity);
        }

        spec.CopyTo(new Span<byte>(_specs + _specUsed, spec.Length));
        _pending = new Entry { Step = step, SpecOffset = _specUsed, SpecBytes = spec.Length };
        _specUsed += spec.Length;
    }
}
