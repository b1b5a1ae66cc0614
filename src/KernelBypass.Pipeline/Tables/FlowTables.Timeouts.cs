using KernelBypass.Model.Flows;

namespace KernelBypass.Pipeline.Tables;

// Idle and hard timeouts.
public sealed unsafe partial class FlowTables
{
    private const long NsPerSecond = 1_000_000_000;

    private readonly TimingWheel _wheel;
    private readonly uint* _idle;
    private uint _idleCount;
    private uint _idleCursor;

    /// <summary>Flows with an idle timeout.</summary>
    public uint IdleFlowCount => _idleCount;

    /// <summary>Flows with a hard timeout.</summary>
    public uint HardFlowCount => _wheel.Count;

    /// <summary>
    /// Removes flows whose timeouts are over. A call looks at no more than <paramref name="budget"/> flows and goes on where the
    /// last one ended, so a million flows never stop the caller for long. A flow was used when its packet count has moved since
    /// it was
    /// last looked at, so an idle timeout may be late by the time of one round over all flows, and is never early.
    /// </summary>
    /// <typeparam name="TSink">Told of each removed flow.</typeparam>
    /// <returns>Flows removed.</returns>
    public int Sweep<TSink>(long nowNs, ref TSink sink, int budget) where TSink : IFlowRemovalSink, allows ref struct
    {
        var removed = 0;
        var hardBudget = Math.Max(1, budget / 2);
        budget -= hardBudget;
        while (_wheel.TryExpire(nowNs, ref hardBudget, out var slot))
        {
            if (Expire(slot, FlowRemovedReason.HardTimeout, nowNs, ref sink))
            {
                removed++;
                continue;
            }

            // Too many removed flows wait for lcores to let go of them: this one waits for the next sweep.
            _wheel.Start(slot, nowNs);
            return removed;
        }

        var rest = (uint)Math.Min(Math.Max(0, budget + hardBudget), _idleCount);
        for (; rest > 0 && _idleCount > 0; rest--)
        {
            if (_idleCursor >= _idleCount) _idleCursor = 0;
            var slot = _idle[_idleCursor];
            if (!IsIdle(_store.Record(slot), slot, nowNs)) _idleCursor++;
            else if (Expire(slot, FlowRemovedReason.IdleTimeout, nowNs, ref sink)) removed++;
            else break;
        }

        return removed;
    }

    private bool IsIdle(FlowRecord* record, uint slot, long nowNs)
    {
        _options.Statistics.Read(slot, out var packets, out _);
        if (packets != record->LastPackets)
        {
            record->LastPackets = packets;
            record->LastUsedNs = nowNs;
            return false;
        }

        return nowNs - record->LastUsedNs >= record->IdleSeconds * NsPerSecond;
    }

    private bool Expire<TSink>(uint slot, FlowRemovedReason reason, long nowNs, ref TSink sink)
        where TSink : IFlowRemovalSink, allows ref struct
    {
        var record = _store.Record(slot);
        var flow = new FlowHandle(slot, record->Rule->Entry.Generation);
        if (!Unlink(flow, reason, nowNs, out var removal, out var spec).IsOk) return false;
        sink.Removed(removal, new ReadOnlySpan<byte>(spec, ((FlowSpecHeader*)spec)->TotalBytes));
        _store.FreeSpec(spec);
        return true;
    }

    private void StartTimers(FlowRecord* record, uint slot, in FlowSpecHeader head, long nowNs)
    {
        (record->CreatedNs, record->LastUsedNs) = (nowNs, nowNs);
        (record->IdleSeconds, record->HardSeconds) = (head.IdleTimeoutSeconds, head.HardTimeoutSeconds);
        _options.Statistics.Read(slot, out record->LastPackets, out _);
        if (record->HardSeconds != 0) _wheel.Start(slot, nowNs);
        if (record->IdleSeconds == 0) return;
        _idle[_idleCount++] = slot;
        record->IdleIndex = _idleCount;
    }

    private void StopTimers(FlowRecord* record, uint slot)
    {
        _wheel.Stop(slot);
        if (record->IdleIndex == 0) return;
        var last = _idle[--_idleCount];
        _idle[record->IdleIndex - 1] = last;
        _store.Record(last)->IdleIndex = record->IdleIndex;
        record->IdleIndex = 0;
    }
}
