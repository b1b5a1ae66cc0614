using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Counters;

namespace KernelBypass.Pipeline.L2;

/// <summary>One station of the MAC table.</summary>
/// <param name="Mac">The address as a number: 02:00:00:00:00:01 is 0x020000000001.</param>
/// <param name="Vlan">VLAN id, 0 untagged.</param>
/// <param name="Port">The port behind which it is.</param>
/// <param name="AgeSeconds">Seconds since its last packet.</param>
public readonly record struct MacStation(ulong Mac, ushort Vlan, uint Port, uint AgeSeconds);

/// <summary>
/// (MAC, VLAN) to port, shared by all lcores for output normal.
/// </summary>
/// <remarks>
/// Lcores read without locks and refresh a station's time stamp in place. Everything else is done by one writer, the main lcore,
/// which takes what the lcores have seen from one queue for each lcore (<see cref="MacLearner"/>). Chosen over compare-and-swap by
/// the lcores: the limit is exact, ageing, flush and listing have nobody to race with, and two lcores that see one new
/// station cannot enter it twice. The price is that a station is known one turn of the main lcore after its first packet; until
/// then packets to it are flooded, as before it was ever seen.
/// <code>
/// bucket: 64 bytes, 4 entries of 16:  | key u64: valid 1, vlan 12 in bits 48-59, mac 48 | port u32 | seen u32, seconds |
/// </code>
/// A key has two buckets. At half load (the limit) a few inserts in a million find both full and move a station to its other bucket;
/// should that fail too, the event is counted like one that met a full table.
/// </remarks>
public sealed unsafe class MacTable : IDisposable
{
    /// <summary>Ageing time that IEEE 802.1D 7.9.2 recommends.</summary>
    public const uint DefaultAgeSeconds = 300;

    internal const ulong Valid = 1ul << 63;
    internal const int EntriesPerBucket = 4;

    private const int DrainPerCall = 4096;
    private const int SweepPerCall = 1024;

    private static readonly MetricDeclaration s_stations = new(
        "kernelbypass_mac_stations", "{station}", "Stations in the MAC table.", MetricKind.Gauge);

    private static readonly MetricDeclaration s_learned = new(
        "kernelbypass_mac_learned", "{station}", "Stations entered in the MAC table.", MetricKind.Counter);

    private static readonly MetricDeclaration s_moved = new(
        "kernelbypass_mac_moved", "{station}", "Stations that appeared behind another port.", MetricKind.Counter);

    private static readonly MetricDeclaration s_aged = new(
        "kernelbypass_mac_aged", "{station}", "Stations removed because nothing was heard of them.", MetricKind.Counter);

    private static readonly MetricDeclaration s_refused = new(
        "kernelbypass_mac_refused", "{event}", "Learn events refused because the MAC table was full (limit macs).", MetricKind.Counter);

    private readonly Entry* _entries;
    private readonly uint _bucketMask;
    private readonly int _limit;
    private readonly MacLearnQueue?[] _queues;
    private readonly ulong* _stations;
    private readonly ulong* _learned;
    private readonly ulong* _moved;
    private readonly ulong* _aged;
    private readonly ulong* _refused;
    private int _count;
    private uint _now;
    private uint _swept;
    private uint _sweepBucket;

    /// <summary>One station, 16 bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Entry
    {
        internal ulong Key;
        internal uint Port;
        internal uint Seen;
    }

    /// <summary>The metrics of a table, for the catalogue.</summary>
    public static IReadOnlyList<MetricDeclaration> Metrics { get; } = [s_stations, s_learned, s_moved, s_aged, s_refused];

    /// <summary>An empty table.</summary>
    /// <param name="limit">Most stations (limit <c>macs</c>), 1 to 16 Mi.</param>
    /// <param name="lcores">Highest lcore id plus one.</param>
    /// <param name="counters">Where its counters live; owner is the main lcore.</param>
    public MacTable(int limit, int lcores, ICounterSpace counters)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, 16 << 20);
        ArgumentNullException.ThrowIfNull(counters);
        _limit = limit;
        var buckets = BitOperations.RoundUpToPowerOf2((uint)Math.Max(2, limit * 2L / EntriesPerBucket));
        _bucketMask = buckets - 1;
        _entries = (Entry*)NativeMemory.AlignedAlloc(buckets * 64, 64);
        NativeMemory.Clear(_entries, buckets * 64);
        _queues = new MacLearnQueue?[lcores];
        _stations = counters.Add(-1, s_stations);
        _learned = counters.Add(-1, s_learned);
        _moved = counters.Add(-1, s_moved);
        _aged = counters.Add(-1, s_aged);
        _refused = counters.Add(-1, s_refused);
    }

    /// <summary>Seconds without a packet after which a station is forgotten; 0: never.</summary>
    public uint AgeSeconds { get; set; } = DefaultAgeSeconds;

    /// <summary>Stations in the table.</summary>
    public int Count => _count;

    /// <summary>The time that stamps are made with, seconds.</summary>
    internal uint Now => Volatile.Read(ref _now);

    /// <summary>
    /// Main lcore: takes what the lcores have learnt, and ages a part of the table. Bounded work; call it once a turn.
    /// </summary>
    /// <param name="nowSeconds">A monotonic clock.</param>
    /// <returns>Learn events handled.</returns>
    public int Maintain(uint nowSeconds)
    {
        Volatile.Write(ref _now, nowSeconds);
        var handled = 0;
        foreach (var queue in _queues)
        {
            if (queue is null) continue;
            for (var i = 0; i < DrainPerCall && queue.TryDequeue(out var key, out var port); i++, handled++) Enter(key, port);
        }

        if (_swept != nowSeconds) Sweep(nowSeconds);
        *_stations = (ulong)_count;
        return handled;
    }

    /// <summary>Main lcore: forgets the stations behind a port (0: any) in a VLAN (null: any). Returns how many.</summary>
    public int Flush(uint port = 0, ushort? vlan = null)
    {
        var removed = 0;
        for (var i = 0ul; i < ((ulong)_bucketMask + 1) * EntriesPerBucket; i++)
        {
            var entry = _entries + i;
            if (entry->Key == 0 || (port != 0 && entry->Port != port) || (vlan is { } id && VlanOf(entry->Key) != id)) continue;
            Remove(entry);
            removed++;
        }

        *_stations = (ulong)_count;
        return removed;
    }

    /// <summary>Main lcore: the next station after <paramref name="cursor"/>, which starts at 0; false at the end.</summary>
    public bool TryGetNext(ref int cursor, out MacStation station)
    {
        for (; cursor < (long)(_bucketMask + 1) * EntriesPerBucket; cursor++)
        {
            var entry = _entries + cursor;
            if (entry->Key == 0) continue;
            var age = _now > entry->Seen ? _now - entry->Seen : 0;
            var mac = System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(entry->Key << 16);
            station = new MacStation(mac, VlanOf(entry->Key), entry->Port, age);
            cursor++;
            return true;
        }

        station = default;
        return false;
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.AlignedFree(_entries);

    /// <summary>Main lcore, when a stage is made: the queue of an lcore.</summary>
    internal MacLearnQueue QueueOf(int lcore) => _queues[lcore] ??= new MacLearnQueue();

    /// <summary>The entry of a key, or null. Another key may take its place at any time: see <see cref="MacLearner"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Entry* Find(ulong key)
    {
        var hash = Hash(key);
        var found = FindIn(Bucket(hash), key);
        return found != null ? found : FindIn(Bucket(hash >> 32), key);
    }

    /// <summary>Brings a key's first bucket towards the cache.</summary>
    internal void Prefetch(ulong key)
    {
        if (Sse.IsSupported) Sse.Prefetch0(Bucket(Hash(key)));
    }

    private static ulong Hash(ulong key)
    {
        key ^= key >> 32;
        key *= 0x9E37_79B9_7F4A_7C15;
        return key ^ (key >> 29);
    }

    private static ushort VlanOf(ulong key) => (ushort)((key >> 48) & 0xfff);

    private static Entry* FindIn(Entry* bucket, ulong key)
    {
        for (var i = 0; i < EntriesPerBucket; i++)
            if (Volatile.Read(ref bucket[i].Key) == key) return bucket + i;
        return null;
    }

    private Entry* Bucket(ulong hash) => _entries + (((uint)hash & _bucketMask) * EntriesPerBucket);

    private void Enter(ulong key, uint port)
    {
        var entry = Find(key);
        if (entry != null)
        {
            if (entry->Port != port) ++*_moved;
            Volatile.Write(ref entry->Port, port);
            entry->Seen = _now;
            return;
        }

        var hash = Hash(key);
        entry = _count < _limit ? Place(Bucket(hash), Bucket(hash >> 32)) : null;
        if (entry == null && _count < _limit) entry = MakeRoom(Bucket(hash), Bucket(hash >> 32));
        if (entry == null)
        {
            ++*_refused;
            return;
        }

        entry->Port = port;
        entry->Seen = _now;
        Volatile.Write(ref entry->Key, key);
        _count++;
        ++*_learned;
    }

    /// <summary>A free entry in the emptier of two buckets, or null.</summary>
    private static Entry* Place(Entry* first, Entry* second)
    {
        Entry* inFirst = null, inSecond = null;
        var balance = 0;
        for (var i = 0; i < EntriesPerBucket; i++)
        {
            if (first[i].Key == 0)
            {
                inFirst = first + i;
                balance++;
            }

            if (second[i].Key == 0)
            {
                inSecond = second + i;
                balance--;
            }
        }

        return balance >= 0 && inFirst != null ? inFirst : inSecond != null ? inSecond : inFirst;
    }

    /// <summary>Both buckets are full: moves a station to its other bucket. It is there before it is gone from here, so
    /// readers find it all the time.</summary>
    private Entry* MakeRoom(Entry* first, Entry* second)
    {
        for (var i = 0; i < 2 * EntriesPerBucket; i++)
        {
            var bucket = i < EntriesPerBucket ? first : second;
            var entry = bucket + i % EntriesPerBucket;
            var hash = Hash(entry->Key);
            var other = Bucket(hash) == bucket ? Bucket(hash >> 32) : Bucket(hash);
            var place = Place(other, other);
            if (place == null) continue;
            place->Port = entry->Port;
            place->Seen = entry->Seen;
            Volatile.Write(ref place->Key, entry->Key);
            Volatile.Write(ref entry->Key, 0);
            return entry;
        }

        return null;
    }

    private void Remove(Entry* entry)
    {
        Volatile.Write(ref entry->Key, 0);
        _count--;
    }

    private void Sweep(uint now)
    {
        if (AgeSeconds == 0) return;
        for (var i = 0; i < SweepPerCall; i++)
        {
            var bucket = Bucket(_sweepBucket);
            for (var j = 0; j < EntriesPerBucket; j++)
            {
                var entry = bucket + j;
                if (entry->Key == 0 || now < entry->Seen || now - entry->Seen < AgeSeconds) continue;
                Remove(entry);
                ++*_aged;
            }

            if (_sweepBucket++ != _bucketMask) continue;
            _sweepBucket = 0;
            _swept = now;
            return;
        }
    }
}
