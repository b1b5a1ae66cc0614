using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Declarations;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Stages.Classify;

/// <summary>
/// Finds the flows that each packet meets, table by table, puts them in its meta for the actions stage, and counts packets and
/// bytes in each.
/// A packet that table 0 has no flow for is dropped. One that misses in a later table keeps what its earlier flows have
/// applied, but its action
/// set is not executed: its last flow's GotoTable is then not <see cref="FlowSpecHeader.NoGoto"/>. Without apply-actions it is
/// dropped here.
/// </summary>
public sealed unsafe class ClassifyStage : Stage, IDisposable
{
    private const string CacheEntriesOption = "cache_entries";
    private const int TableMissReason = 0;
    private const int PathsExhaustedReason = 1;

    private static readonly MetricDeclaration s_hits = new(
        "kernelbypass_classify_cache_hits", "{packet}", "Packets whose flows were found in the flow cache.", MetricKind.Counter);
    private static readonly MetricDeclaration s_misses = new(
        "kernelbypass_classify_cache_misses", "{packet}", "Packets that the flow cache had no valid entry for.",
            MetricKind.Counter);
    private static readonly MetricDeclaration s_stale = new(
        "kernelbypass_classify_cache_stale", "{packet}", "Cache misses that found an entry made before the tables changed.",
            MetricKind.Counter);
    private static readonly MetricDeclaration s_walks = new(
        "kernelbypass_classify_walks", "{packet}", "Packets looked up in the tables.", MetricKind.Counter);
    private static readonly MetricDeclaration s_tuples = new(
        "kernelbypass_classify_tuples_probed", "{tuple}", "Hash tables probed by packets looked up in the tables.",
            MetricKind.Counter);
    private static readonly MetricDeclaration s_lookups = new(
        "kernelbypass_table_lookups", "{packet}", "Packets looked up in a table; those that the cache answered are not counted.",
        MetricKind.Counter, "table");
    private static readonly MetricDeclaration s_matches = new(
        "kernelbypass_table_matches", "{packet}", "Packets that met a flow on a lookup in a table.", MetricKind.Counter, "table");

    private readonly PipelineRoot* _root;
    private readonly ulong* _flowCounters;
    private readonly PathStore _paths;
    private readonly FlowCache? _cache;
    private readonly PipelineWalk _walk;
    private readonly TupleProbe _probe = new();
    private readonly Scratch* _scratch = (Scratch*)NativePages.Reserve((nuint)sizeof(Scratch), "classify scratch");
    private readonly ulong* _hits;
    private readonly ulong* _misses;
    private readonly ulong* _stale;
    private readonly ulong* _walks;
    private readonly ulong* _tuples;
    private readonly ulong* _lookups;
    private readonly ulong* _matches;

    private struct Scratch
    {
        internal fixed long Keys[TupleProbe.Width];
        internal fixed long WalkKeys[TupleProbe.Width];
        internal fixed byte Results[TupleProbe.Width * ResultBytes];
        internal fixed long Best[TupleProbe.Width];
        internal fixed byte Walking[TupleProbe.Width];
    }

    private const int ResultBytes = 32;

    /// <summary>Kind, options, drop reasons and metrics of the stage.</summary>
    public static StageDeclaration Declared { get; } = new(
        "classify",
        "Finds the flows that a packet meets in the numbered tables, through a flow cache, and counts them.",
        [
            new(CacheEntriesOption, 262_144, 0, 16_777_216,
                "Entries of each lcore's flow cache, rounded up to a power of two; 0: no cache. An entry takes 64 to 192 bytes."),
        ],
        [
            new("table_miss",
                "No flow of the table matches: add a table-miss flow (priority 0, empty match) to handle such packets."),
            new("flow_paths_exhausted",
                "The memory for paths through more than two tables waits for lcores to let go of old ones."),
        ],
        [s_hits, s_misses, s_stale, s_walks, s_tuples, s_lookups, s_matches]);

    /// <summary>One instance for each lcore.</summary>
    /// <param name="context">The lcore's.</param>
    /// <param name="tables">The tables, shared by all lcores; their statistics must name the context's lcore.</param>
    public ClassifyStage(StageContext context, FlowTables tables)
        : base(Declared, context)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(tables);
        _root = tables.Root;
        _flowCounters = tables.Statistics.ForLcore(context.LcoreId);
        _paths = new PathStore(_root);
        var entries = (ulong)context.Option(CacheEntriesOption);
        if (entries > 0)
            _cache = new FlowCache(_root, _paths, BitOperations.RoundUpToPowerOf2(Math.Max(entries, FlowCache.Ways)));
        var lookups = new ulong*[tables.TableCount];
        var matches = new ulong*[tables.TableCount];
        for (var i = 0; i < lookups.Length; i++)
        {
            var label = i.ToString(CultureInfo.InvariantCulture);
            lookups[i] = context.Counter(s_lookups.Name, label);
            matches[i] = context.Counter(s_matches.Name, label);
        }

        _walk = new PipelineWalk(_root, lookups, matches);
        _lookups = lookups[0];
        _matches = matches[0];
        _hits = context.Counter(s_hits.Name);
        _misses = context.Counter(s_misses.Name);
        _stale = context.Counter(s_stale.Name);
        _walks = context.Counter(s_walks.Name);
        _tuples = context.Counter(s_tuples.Name);
    }

    /// <inheritdoc/>
    public override void Process(ref Burst burst)
    {
        var kept = 0;
        for (var first = 0; first < burst.Count; first += TupleProbe.Width)
        {
            var count = Math.Min(TupleProbe.Width, burst.Count - first);
            kept = ProcessPart(burst.Packets + first, count, burst.Packets, kept);
        }

        burst.Count = kept;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _cache?.Dispose();
        _walk.Dispose();
        _probe.Dispose();
        _paths.Dispose();
        NativePages.Unmap(_scratch, (nuint)sizeof(Scratch));
    }

    private static PacketMeta* Meta(void* mbuf) => (PacketMeta*)((byte*)mbuf + RteMbuf.SizeInBytes);

    private int ProcessPart(void** packets, int count, void** target, int kept)
    {
        var scratch = _scratch;
        for (var i = 0; i < count; i++) scratch->Keys[i] = (long)&Meta(packets[i])->Key;
        var keys = (FlowKey**)scratch->Keys;
        var results = (ClassifyResult*)scratch->Results;
        var view = PipelineRoot.CurrentView(_root);
        var missing = count == 32 ? uint.MaxValue : (1u << count) - 1;
        if (view->IsDirect != 0) return ProcessDirect(packets, keys, results, count, target, kept);
        if (_cache == null)
        {
            Walk(keys, results, missing);
        }
        else
        {
            _cache.Begin(view);
            missing = _cache.Lookup(keys, results, count);
            *_hits = _cache.Hits;
            *_misses = _cache.Misses;
            *_stale = _cache.Stale;
            if (missing != 0) WalkAndFill(keys, results, missing);
        }

        return Finish(packets, results, count, target, kept);
    }

    /// <summary>One probe of table 0 ends almost every packet's way: nothing is kept between lookup and result.</summary>
    private int ProcessDirect(void** packets, FlowKey** keys, ClassifyResult* results, int count, void** target, int kept)
    {
        var best = (FlowRule**)_scratch->Best;
        _probe.Lookup(PipelineRoot.Table(_root, 0), keys, best, count);
        uint missed = 0, going = 0;
        for (var i = 0; i < count; i++)
        {
            var rule = best[i];
            if (rule == null)
            {
                missed |= 1u << i;
                results[i] = new() { Missed = true };
            }
            else if (rule->Entry.GotoTable != FlowSpecHeader.NoGoto)
            {
                going |= 1u << i;
            }
            else
            {
                CacheLine.Prefetch(Counters(rule));
            }
        }

        // A flow with goto_table has come since the view was made.
        if (going != 0) Walk(keys, results, going);
        var others = missed | going;
        var looked = (uint)(count - BitOperations.PopCount(going));
        *_walks += looked;
        *_tuples = _probe.TuplesProbed + _walk.TuplesProbed;
        *_lookups += looked;
        *_matches += looked - (uint)BitOperations.PopCount(missed);
        var tally = default(Tally);
        for (var i = 0; i < count; i++)
        {
            var packet = packets[i];
            var meta = Meta(packet);
            if ((others & (1u << i)) == 0)
            {
                FinishOne(meta, best[i], ref tally);
                target[kept++] = packet;
            }
            else if (FinishOther(packet, meta, results[i]))
            {
                target[kept++] = packet;
            }
        }

        tally.Flush();
        return kept;
    }

    private void WalkAndFill(FlowKey** keys, ClassifyResult* results, uint missing)
    {
        for (var rest = missing; rest != 0; rest &= rest - 1)
        {
            var i = BitOperations.TrailingZeroCount(rest);
            _cache!.BeginFill(i, keys[i]);
        }

        Walk(keys, results, missing);
        for (var rest = missing; rest != 0; rest &= rest - 1)
        {
            var i = BitOperations.TrailingZeroCount(rest);
            if (results[i].Count >= 0) _cache!.Fill(i, results[i]);
        }
    }

    /// <summary>Takes the packets of a set through the tables. A packet whose path finds no room gets Count -1.</summary>
    private void Walk(FlowKey** keys, ClassifyResult* results, uint missing)
    {
        var scratch = _scratch;
        var count = 0;
        for (var rest = missing; rest != 0; rest &= rest - 1)
        {
            var i = BitOperations.TrailingZeroCount(rest);
            scratch->Walking[count] = (byte)i;
            scratch->WalkKeys[count++] = (long)keys[i];
        }

        _walk.Run((FlowKey**)scratch->WalkKeys, count);
        for (var j = 0; j < count; j++)
        {
            ref var result = ref results[scratch->Walking[j]];
            var path = _walk.Path(j);
            result.Count = _walk.Length(j);
            result.Missed = (_walk.Missed & (1u << j)) != 0;
            result.Flow0 = (nint)path[0];
            result.Flow1 = (nint)path[1];
            result.Path = 0;
            if (result.Count > 2) KeepPath(ref result, path);
        }

        *_walks += (ulong)count;
        *_tuples = _probe.TuplesProbed + _walk.TuplesProbed;
    }

    private void KeepPath(ref ClassifyResult result, FlowRule** path)
    {
        result.Path = (nint)_paths.Intern(path, result.Count);
        if (result.Path == 0) result.Count = -1;
    }

    /// <summary>Writes results to the packets' metas, counts, and drops what met no flow.</summary>
    private int Finish(void** packets, ClassifyResult* results, int count, void** target, int kept)
    {
        for (var i = 0; i < count; i++)
            if (results[i].Count == 1) CacheLine.Prefetch(Counters((FlowRule*)results[i].Flow0));

        var tally = default(Tally);
        for (var i = 0; i < count; i++)
        {
            var packet = packets[i];
            var meta = Meta(packet);
            ref var result = ref results[i];
            if (result.Count == 1 && !result.Missed)
            {
                FinishOne(meta, (FlowRule*)result.Flow0, ref tally);
                target[kept++] = packet;
            }
            else if (FinishOther(packet, meta, result))
            {
                target[kept++] = packet;
            }
        }

        tally.Flush();
        return kept;
    }

    /// <summary>A packet that met one flow, which ends its way.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void FinishOne(PacketMeta* meta, FlowRule* rule, ref Tally tally)
    {
        meta->FlowCount = 1;
        meta->Flow0 = (nint)rule;
        if (meta->Hash == 0) meta->Hash = FiveTupleHash.Of(&meta->Key);
        tally.Add(Counters(rule), meta->WireLength);
    }

    /// <summary>A packet that met no flow, or several, or missed in a later table; false when it has been dropped.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool FinishOther(void* packet, PacketMeta* meta, in ClassifyResult result)
    {
        if (result.Count < 0)
        {
            meta->FlowCount = 0;
            Context.Drop(packet, PathsExhaustedReason);
            return false;
        }

        meta->FlowCount = result.Count;
        meta->Flow0 = result.Flow0;
        meta->Flow1 = result.Flow1;
        meta->FlowPath = result.Path;
        if (meta->Hash == 0) meta->Hash = FiveTupleHash.Of(&meta->Key);
        var path = stackalloc nint[2] { result.Flow0, result.Flow1 };
        var flows = result.Path != 0 ? (nint*)result.Path : path;
        uint applied = 0;
        for (var i = 0; i < result.Count; i++)
        {
            var rule = (FlowRule*)flows[i];
            Count(rule, meta->WireLength);
            applied += rule->Entry.ApplyCount;
        }

        if (!result.Missed || applied > 0) return true;
        if (meta->Traced != 0) RecordMiss(packet, flows, result.Count);
        Context.Drop(packet, TableMissReason);
        return false;
    }

    /// <summary>A traced packet that is dropped here: the actions stage will not tell of its flows.</summary>
    private void RecordMiss(void* packet, nint* flows, int count)
    {
        var trace = Context.TraceOf(packet);
        if (trace == null) return;
        for (var i = 0; i < count; i++) trace->Add(FlowTrace.Matched((FlowEntry*)flows[i]));
        trace->Add(FlowTrace.Missed(count == 0 ? (byte)0 : ((FlowEntry*)flows[count - 1])->GotoTable));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong* Counters(FlowRule* rule) => _flowCounters + 2 * (ulong)rule->Entry.Slot;

    private void Count(FlowRule* rule, uint bytes)
    {
        var counters = Counters(rule);
        counters[0]++;
        counters[1] += bytes;
    }

    /// <summary>Adds neighbours of one flow up before they go to memory: a chain of additions there is as slow as memory's
    /// forwarding.</summary>
    private struct Tally
    {
        private ulong* _counters;
        private ulong _packets;
        private ulong _bytes;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal void Add(ulong* counters, uint bytes)
        {
            if (counters != _counters)
            {
                Flush();
                _counters = counters;
                (_packets, _bytes) = (0, 0);
            }

            _packets++;
            _bytes += bytes;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal readonly void Flush()
        {
            if (_counters == null) return;
            _counters[0] += _packets;
            _counters[1] += _bytes;
        }
    }
}
