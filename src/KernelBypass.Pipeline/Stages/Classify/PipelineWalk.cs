using System.Numerics;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Stages.Classify;

/// <summary>
/// Takes a burst through the tables: table 0 for all, then the tables that flows go on to, in order of their numbers, each for
/// all packets
/// that wait for it. Packets' keys stay as they are: rewriting and metadata happen on copies.
/// </summary>
internal sealed unsafe class PipelineWalk : IDisposable
{
    internal const int MaxFlows = FlowPath.MaxFlows;

    private readonly PipelineRoot* _root;
    private readonly TupleProbe _probe = new();
    private readonly ulong*[] _lookups;
    private readonly ulong*[] _matches;
    private readonly Scratch* _scratch = (Scratch*)NativePages.Reserve((nuint)sizeof(Scratch), "walk scratch");

    private struct Scratch
    {
        internal fixed ulong Keys[TupleProbe.Width * FlowKeyLayout.Words];
        internal fixed long Paths[TupleProbe.Width * MaxFlows];
        internal fixed long GatheredKeys[TupleProbe.Width];
        internal fixed long Best[TupleProbe.Width];
        internal fixed int Lengths[TupleProbe.Width];
        internal fixed byte Next[TupleProbe.Width];
        internal fixed byte Gathered[TupleProbe.Width];
    }

    /// <param name="lookups">A counter for each table: packets that looked into it.</param>
    /// <param name="matches">A counter for each table: packets that met a flow in it.</param>
    internal PipelineWalk(PipelineRoot* root, ulong*[] lookups, ulong*[] matches)
    {
        _root = root;
        _lookups = lookups;
        _matches = matches;
    }

    /// <summary>Packets whose way ended at a table without a flow for them: one bit each.</summary>
    internal uint Missed { get; private set; }

    /// <summary>Hash tables probed so far.</summary>
    internal ulong TuplesProbed => _probe.TuplesProbed;

    /// <summary>Flows that a packet has met.</summary>
    internal int Length(int packet) => _scratch->Lengths[packet];

    /// <summary>They, in order.</summary>
    internal FlowRule** Path(int packet) => (FlowRule**)_scratch->Paths + packet * MaxFlows;

    /// <summary>Walks up to <see cref="TupleProbe.Width"/> packets; results are in <see cref="Path"/> until the next
    /// walk.</summary>
    internal void Run(FlowKey** keys, int count)
    {
        var scratch = _scratch;
        Missed = 0;
        uint waiting = 0;
        _probe.Lookup(PipelineRoot.Table(_root, 0), keys, (FlowRule**)scratch->Best, count);
        for (var i = 0; i < count; i++)
        {
            var rule = (FlowRule*)scratch->Best[i];
            scratch->Lengths[i] = 0;
            if (rule == null)
            {
                Missed |= 1u << i;
                continue;
            }

            Path(i)[0] = rule;
            scratch->Lengths[i] = 1;
            if (rule->Entry.GotoTable == FlowSpecHeader.NoGoto) continue;
            *Key(i) = *keys[i];
            if (GoOn(rule, i)) waiting |= 1u << i;
        }

        *_lookups[0] += (ulong)count;
        *_matches[0] += (ulong)(count - BitOperations.PopCount(Missed));
        while (waiting != 0) waiting = RunTable(waiting);
    }

    public void Dispose()
    {
        _probe.Dispose();
        NativePages.Unmap(_scratch, (nuint)sizeof(Scratch));
    }

    private FlowKey* Key(int packet) => (FlowKey*)_scratch->Keys + packet;

    /// <summary>Looks all packets up that wait for the lowest table; returns those that wait for another.</summary>
    private uint RunTable(uint waiting)
    {
        var scratch = _scratch;
        byte table = 255;
        for (var rest = waiting; rest != 0; rest &= rest - 1)
            table = Math.Min(table, scratch->Next[BitOperations.TrailingZeroCount(rest)]);

        var count = 0;
        for (var rest = waiting; rest != 0; rest &= rest - 1)
        {
            var i = BitOperations.TrailingZeroCount(rest);
            if (scratch->Next[i] != table) continue;
            scratch->Gathered[count] = (byte)i;
            scratch->GatheredKeys[count++] = (long)Key(i);
        }

        _probe.Lookup(PipelineRoot.Table(_root, table), (FlowKey**)scratch->GatheredKeys, (FlowRule**)scratch->Best, count);
        var matched = 0;
        for (var j = 0; j < count; j++)
        {
            int i = scratch->Gathered[j];
            var rule = (FlowRule*)scratch->Best[j];
            var goesOn = false;
            if (rule == null)
            {
                Missed |= 1u << i;
            }
            else
            {
                matched++;
                Path(i)[scratch->Lengths[i]++] = rule;
                goesOn = rule->Entry.GotoTable != FlowSpecHeader.NoGoto && GoOn(rule, i);
            }

            if (!goesOn) waiting &= ~(1u << i);
        }

        *_lookups[table] += (ulong)count;
        *_matches[table] += (ulong)matched;
        return waiting;
    }

    private bool GoOn(FlowRule* rule, int packet)
    {
        _scratch->Next[packet] = rule->Entry.GotoTable;
        return _scratch->Lengths[packet] < MaxFlows && KeyRewriter.Apply(&rule->Entry, Key(packet));
    }
}
