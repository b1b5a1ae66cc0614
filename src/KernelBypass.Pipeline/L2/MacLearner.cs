using System.Runtime.CompilerServices;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.L2;

/// <summary>One lcore's side of the MAC table: looks stations up, refreshes them, and tells the main lcore of new ones.</summary>
public sealed unsafe class MacLearner
{
    private const int RecentSize = 256;
    private const ulong MacMask = 0xffff_ffff_ffff;

    private readonly MacTable _table;
    private readonly MacLearnQueue? _queue;
    private readonly ulong* _deferred;

    // What was queued lately and the main lcore has not handled yet, so that a burst from a new station makes one event.
    private readonly ulong[] _recentKey = new ulong[RecentSize];
    private readonly ulong[] _recentEvent = new ulong[RecentSize];

    /// <summary>The learner of an lcore. Made by the main lcore.</summary>
    /// <param name="table">The shared table.</param>
    /// <param name="lcore">The lcore that will use it, alone.</param>
    /// <param name="deferred">Counts events that found the queue full; a later packet tries again.</param>
    public MacLearner(MacTable table, int lcore, ulong* deferred)
    {
        ArgumentNullException.ThrowIfNull(table);
        _table = table;
        _queue = table.QueueOf(lcore);
        _deferred = deferred;
    }

    /// <summary>One that looks up and learns nothing, for explain.</summary>
    public MacLearner(MacTable table)
    {
        ArgumentNullException.ThrowIfNull(table);
        _table = table;
    }

    /// <summary>The port behind which the destination is, or 0.</summary>
    /// <param name="data">The frame.</param>
    /// <param name="meta">Its meta.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Lookup(byte* data, PacketMeta* meta) => PortOf(KeyOf(*(ulong*)data & MacMask, data, meta), out _);

    /// <summary>Notes the source: refreshes it where it is known, else queues it. Group and zero sources are never learnt.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Learn(byte* data, PacketMeta* meta)
    {
        var source = *(ulong*)(data + 6) & MacMask;
        if (_queue is null || source == 0 || MacAddressKind.IsGroup(data + 6) || meta->InPort - 1 >= ReservedPort.Max) return;
        var key = KeyOf(source, data, meta);
        if (PortOf(key, out var entry) != meta->InPort)
        {
            Queue(_queue, key, meta->InPort);
            return;
        }

        // A second's resolution keeps the line clean: at most one store a second and lcore. Should the entry have
        // passed to another station meanwhile, that one is a second younger than it is.
        var now = _table.Now;
        if (entry->Seen != now) entry->Seen = now;
    }

    /// <summary>Brings the buckets of a packet's addresses towards the cache.</summary>
    public void Prefetch(byte* data, PacketMeta* meta)
    {
        _table.Prefetch(KeyOf(*(ulong*)data & MacMask, data, meta));
        _table.Prefetch(KeyOf(*(ulong*)(data + 6) & MacMask, data, meta));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong KeyOf(ulong mac, byte* data, PacketMeta* meta)
    {
        const int TciOffset = 14;
        var vlan = meta->VlanTags == 0 ? 0ul : ((ulong)(data[TciOffset] & 0x0f) << 8) | data[TciOffset + 1];
        return mac | (vlan << 48) | MacTable.Valid;
    }

    /// <summary>A port read between two looks at the key belongs to the key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint PortOf(ulong key, out MacTable.Entry* entry)
    {
        entry = _table.Find(key);
        if (entry == null) return 0;
        var port = Volatile.Read(ref entry->Port);
        return Volatile.Read(ref entry->Key) == key ? port : 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Queue(MacLearnQueue queue, ulong key, uint port)
    {
        var place = (int)((key * 0x9E37_79B9_7F4A_7C15 + port) >> 56) & (RecentSize - 1);
        if (_recentKey[place] == (key ^ ((ulong)port << 32)) && _recentEvent[place] > queue.Consumed) return;
        var number = queue.TryEnqueue(key, port);
        if (number == 0)
        {
            ++*_deferred;
            return;
        }

        _recentKey[place] = key ^ ((ulong)port << 32);
        _recentEvent[place] = number;
    }
}
