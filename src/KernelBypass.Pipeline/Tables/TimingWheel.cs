namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// Hard timeouts: a hierarchical timing wheel (Varghese and Lauck, 1987) of four levels of 256 lists. Entries are linked
/// through the
/// flows' records, so starting and stopping cost the same however many there are, and every step of advancing is counted
/// against a budget. Never early; late by at most one tick beyond the sweep.
/// </summary>
internal sealed unsafe class TimingWheel(FlowStore store) : IDisposable
{
    /// <summary>One tick.</summary>
    internal const long TickNs = 100_000_000;

    private const int Levels = 4;
    private const int Lists = 256;
    private const int Bits = 8;
    private const ulong MaxTicks = (1ul << (Levels * Bits)) - 1;
    private const uint HeadFlag = 0x8000_0000;
    private const long NsPerSecond = 1_000_000_000;

    private readonly uint* _heads = (uint*)NativePages.Reserve(Levels * Lists * sizeof(uint), "hard timeouts");
    private ulong _tick;
    private int _cascadeLevel;
    private uint _count;
    private bool _started;

    /// <summary>Flows waiting.</summary>
    internal uint Count => _count;

    /// <summary>Arms a flow's hard timeout; its record has creation time and seconds.</summary>
    internal void Start(uint slot, long nowNs)
    {
        if (!_started)
        {
            _tick = TickAt(nowNs);
            _started = true;
        }

        if (_count++ == 0 && _cascadeLevel == 0) _tick = Math.Max(_tick, TickAt(nowNs));
        Link(slot, ExpiryTick(store.Record(slot)));
    }

    /// <summary>Disarms it, if it is armed.</summary>
    internal void Stop(uint slot)
    {
        var record = store.Record(slot);
        if (record->WheelPrevious == 0) return;
        if ((record->WheelPrevious & HeadFlag) != 0) _heads[record->WheelPrevious & ~HeadFlag] = record->WheelNext;
        else store.Record(record->WheelPrevious - 1)->WheelNext = record->WheelNext;
        if (record->WheelNext != 0) store.Record(record->WheelNext - 1)->WheelPrevious = record->WheelPrevious;
        (record->WheelNext, record->WheelPrevious) = (0, 0);
        _count--;
    }

    /// <summary>Takes one expired flow out of the wheel. False when there is none yet, or the budget is used up.</summary>
    internal bool TryExpire(long nowNs, ref int budget, out uint slot)
    {
        slot = 0;
        var now = TickAt(nowNs);
        while (_count > 0 && budget > 0)
        {
            budget--;
            if (_cascadeLevel > 0)
            {
                CascadeOne();
                continue;
            }

            // A list is ripe when its tick is over: a flow in it has reached its timeout by then.
            if (_tick >= now) return false;
            var head = _heads[_tick % Lists];
            if (head != 0)
            {
                slot = head - 1;
                Stop(slot);
                return true;
            }

            _tick++;
            _cascadeLevel = 1;
        }

        return false;
    }

    public void Dispose() => NativePages.Unmap(_heads, Levels * Lists * sizeof(uint));

    /// <summary>Moves one flow from a coarse list that has become due to a finer one, or goes on to the next level.</summary>
    private void CascadeOne()
    {
        var shift = _cascadeLevel * Bits;
        if (_cascadeLevel == Levels || (_tick & ((1ul << shift) - 1)) != 0)
        {
            _cascadeLevel = 0;
            return;
        }

        var head = _heads[_cascadeLevel * Lists + (int)((_tick >> shift) % Lists)];
        if (head == 0)
        {
            _cascadeLevel++;
            return;
        }

        Stop(head - 1);
        _count++;
        Link(head - 1, ExpiryTick(store.Record(head - 1)));
    }

    private void Link(uint slot, ulong expiry)
    {
        expiry = Math.Clamp(expiry, _tick, _tick + MaxTicks - (1ul << (Bits * (Levels - 1))));
        var ticks = expiry - _tick;
        var level = 0;
        while (ticks >= Lists)
        {
            ticks >>= Bits;
            level++;
        }

        var list = (uint)(level * Lists) + (uint)((expiry >> (level * Bits)) % Lists);
        var record = store.Record(slot);
        record->WheelNext = _heads[list];
        record->WheelPrevious = HeadFlag | list;
        if (record->WheelNext != 0) store.Record(record->WheelNext - 1)->WheelPrevious = slot + 1;
        _heads[list] = slot + 1;
    }

    private static ulong ExpiryTick(FlowRecord* record) => TickAt(record->CreatedNs + record->HardSeconds * NsPerSecond);

    private static ulong TickAt(long ns) => ns <= 0 ? 0 : (ulong)(ns / TickNs);
}
