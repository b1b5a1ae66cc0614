using System.Runtime.InteropServices;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;

namespace KernelBypass.Pipeline.Tables;

/// <summary>What the writer keeps of a flow, by slot. 64 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FlowRecord
{
    /// <summary>The block in force; null when the slot is free.</summary>
    internal FlowRule* Rule;

    /// <summary>The codec's bytes.</summary>
    internal byte* Spec;
    internal long CreatedNs;
    internal long LastUsedNs;
    internal ulong LastPackets;
    internal uint IdleSeconds;
    internal uint HardSeconds;

    /// <summary>Index plus one in the list of flows with an idle timeout; 0 none.</summary>
    internal uint IdleIndex;

    /// <summary>Neighbours in a list of the timing wheel, as slot plus one; 0 none. Next also links free slots.</summary>
    internal uint WheelNext;
    internal uint WheelPrevious;
    internal uint Generation;

    internal readonly int SpecBytes => ((FlowSpecHeader*)Spec)->TotalBytes;
}

/// <summary>
/// Memory of flows: slots with the writer's records, blocks that lcores read (hot arena), codec bytes (cold arena). All of it is
/// reserved at the start and backed by pages when used.
/// </summary>
internal sealed unsafe class FlowStore : IDisposable
{
    /// <summary>Address space a flow, generous: reserving costs nothing.</summary>
    private const ulong ReservedPerFlow = 1024;
    private const ulong ReservedBase = 256ul << 20;

    private readonly FlowRecord* _records;
    private readonly FlowStatistics _statistics;
    private uint _firstFree;
    private uint _usedSlots;

    internal FlowStore(uint slots, FlowStatistics statistics)
    {
        _statistics = statistics;
        Slots = slots;
        _records = (FlowRecord*)NativePages.Reserve((nuint)slots * (nuint)sizeof(FlowRecord), "flow records");
        Hot = new FlowArena(64, (nuint)(ReservedBase + slots * ReservedPerFlow), "flows");
        Cold = new FlowArena(16, (nuint)(ReservedBase + slots * ReservedPerFlow), "flow specifications");
    }

    internal uint Slots { get; }

    /// <summary>Slots ever used: the bound of a walk over all flows.</summary>
    internal uint UsedSlots => _usedSlots;

    /// <summary>What lcores read.</summary>
    internal FlowArena Hot { get; }

    /// <summary>What only the writer reads.</summary>
    internal FlowArena Cold { get; }

    internal long TouchedBytes => Hot.TouchedBytes + Cold.TouchedBytes + (long)_usedSlots * sizeof(FlowRecord);

    internal FlowRecord* Record(uint slot) => _records + slot;

    /// <summary>The record of a living flow; null when the handle is stale or was never one.</summary>
    internal FlowRecord* Find(FlowHandle handle)
    {
        if (handle.Slot >= _usedSlots) return null;
        var record = _records + handle.Slot;
        return record->Rule != null && record->Generation == handle.Generation ? record : null;
    }

    /// <summary>Takes a slot whose counters are zero.</summary>
    internal bool TryTakeSlot(out uint slot)
    {
        if (_firstFree != 0)
        {
            slot = _firstFree - 1;
            _firstFree = _records[slot].WheelNext;
            _records[slot].WheelNext = 0;
            return true;
        }

        slot = _usedSlots;
        if (_usedSlots >= Slots) return false;
        _usedSlots++;
        return true;
    }

    /// <summary>Gives back a slot that no lcore counts in any more.</summary>
    internal void FreeSlot(uint slot)
    {
        _statistics.Clear(slot);
        _records[slot].WheelNext = _firstFree;
        _firstFree = slot + 1;
    }

    /// <summary>The next generation of a slot; never 0.</summary>
    internal uint NextGeneration(uint slot)
    {
        ref var generation = ref _records[slot].Generation;
        if (++generation == 0) generation = 1;
        return generation;
    }

    /// <summary>A copy of the codec's bytes; null when memory is exhausted.</summary>
    internal byte* StoreSpec(ReadOnlySpan<byte> spec)
    {
        var copy = (byte*)Cold.Allocate((nuint)spec.Length);
        if (copy != null) spec.CopyTo(new Span<byte>(copy, spec.Length));
        return copy;
    }

    internal void FreeSpec(byte* spec) => Cold.Free(spec, (nuint)((FlowSpecHeader*)spec)->TotalBytes);

    /// <summary>A flow's block, complete but for slot, generation and mask record; null when memory is exhausted.</summary>
    internal FlowRule* Build(ReadOnlySpan<byte> spec, in FlowSpecHeader head, in FlowKey key, in FlowKey mask)
    {
        var apply = FlowSpecDecoder.Apply(spec, head);
        var write = FlowSpecDecoder.Write(spec, head);
        var applyCount = ActionCompiler.Count(apply);
        var writeCount = ActionCompiler.Count(write);
        var words = 0;
        for (var i = 0; i < FlowKeyLayout.Words; i++) words += mask[i] != 0 ? 1 : 0;
        var opsOffset = FlowRule.OpsOffset(words);
        var bytes = (nuint)(opsOffset + (applyCount + writeCount) * sizeof(ActionOp));
        var rule = (FlowRule*)Hot.Allocate(bytes);
        if (rule == null) return null;

        var ops = (ActionOp*)((byte*)rule + opsOffset);
        ActionCompiler.Compile(apply, new Span<ActionOp>(ops, applyCount));
        ActionCompiler.Compile(write, new Span<ActionOp>(ops + applyCount, writeCount));
        rule->BlockBytes = (uint)bytes;
        rule->Rewrites = head.GotoTable == FlowSpecHeader.NoGoto ? RewriteKinds.None : RewritesOf(ops, applyCount);
        var packed = FlowRule.Key(rule);
        for (var i = 0; i < FlowKeyLayout.Words; i++)
            if (mask[i] != 0) *packed++ = key[i];
        rule->Entry = new FlowEntry
        {
            Priority = head.Priority,
            TableId = head.TableId,
            GotoTable = head.GotoTable,
            Flags = head.Flags,
            Cookie = head.Cookie,
            MetadataValue = head.MetadataValue,
            MetadataMask = head.MetadataMask,
            Apply = ops,
            Write = ops + applyCount,
            ApplyCount = (ushort)applyCount,
            WriteCount = (ushort)writeCount,
            ClearActions = head.ClearActions,
            IsTableMiss = words == 0 && head.Priority == 0 ? (byte)1 : (byte)0,
        };
        return rule;
    }

    internal void FreeRule(FlowRule* rule)
    {
        if (rule != null) Hot.Free(rule, rule->BlockBytes);
    }

    public void Dispose()
    {
        Hot.Dispose();
        Cold.Dispose();
        NativePages.Unmap(_records, (nuint)Slots * (nuint)sizeof(FlowRecord));
    }

    private static RewriteKinds RewritesOf(ActionOp* ops, int count)
    {
        var kinds = RewriteKinds.None;
        for (var i = 0; i < count; i++)
        {
            kinds |= ops[i].Kind switch
            {
                ActionKind.SetField => RewriteKinds.SetField,
                ActionKind.PushVlan or ActionKind.PopVlan => RewriteKinds.Vlan,
                ActionKind.DecTtl => RewriteKinds.Ttl,
                _ => RewriteKinds.None,
            };
        }

        return kinds;
    }
}
