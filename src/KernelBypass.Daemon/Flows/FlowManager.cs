using System.Runtime.InteropServices;
using Grpc.Core;
using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Hosting;
using KernelBypass.Daemon.Journal;
using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>
/// Every change of flows goes through here, one request at a time: checked, planned against the store, given to the data plane in
/// one batch, then noted in store and journal. Room in the journal is reserved before the data plane is asked, so a full disk
/// refuses a request as a whole.
/// </summary>
internal sealed partial class FlowManager(
    LimitsConfig limits, FlowStore store, FlowJournal? journal, DataPlaneEvents events, ILogger<FlowManager> log) : IDisposable
{
    private const int MaxRetired = 65_536;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly FlowPlan _plan = new();
    private readonly JournalRecord _record = new();
    private readonly HashSet<int> _static = [];
    private readonly Dictionary<FlowHandle, byte[]> _retired = [];
    private volatile DataPlaneSession? _session;

    /// <summary>Flows that left the tables.</summary>
    internal EventHub<FlowRemoval> Removals { get; } = new(limits.WatchQueue);

    /// <summary>Flows held; may be read at any time.</summary>
    internal int Count => store.Count;

    internal FlowStore Store => store;

    internal FlowJournal? Journal => journal;

    internal LimitsConfig Limits => limits;

    /// <summary>Updates that changed something, and those refused, since the start.</summary>
    internal long Applied { get; private set; }

    internal long Refused { get; private set; }

    /// <summary>The data plane, or UNAVAILABLE.</summary>
    internal DataPlaneSession Session => _session
        ?? throw new FlowException(StatusCode.Unavailable, "the data plane is not running or is being started: try again shortly");

    /// <summary>The data plane is gone: requests fail until the next is adopted.</summary>
    internal void Detach() => _session = null;

    /// <summary>Carries out a request.</summary>
    /// <exception cref="FlowException">It failed as a whole.</exception>
    internal async Task<FlowWriteOutcome> WriteAsync(FlowWrite write, CancellationToken cancellation)
    {
        if (write.Count > limits.BatchFlows)
        {
            throw new FlowException(
                StatusCode.ResourceExhausted, $"{write.Count} updates in one request: limits.batch_flows is {limits.BatchFlows}");
        }

        _ = Session;
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var result = new FlowWriteResult(write);
            if (write.AllOrNothing) await WriteAtomicallyAsync(write, result).ConfigureAwait(false);
            else await WriteEachAsync(write, result).ConfigureAwait(false);
            Applied += result.Applied;
            Refused += write.Count - result.Applied;
            return result.ToOutcome();
        }
        finally
        {
            CompactIfWanted();
            _gate.Release();
        }
    }

    /// <summary>Deletes what a filter selects; answers how many.</summary>
    /// <exception cref="FlowException">It failed; some may be deleted.</exception>
    internal async Task<ulong> DeleteAsync(FlowFilter filter, CancellationToken cancellation)
    {
        ulong deleted = 0;
        var next = 0;
        while (next < store.End)
        {
            await _gate.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                _plan.Clear();
                for (; next < store.End && _plan.Count < limits.BatchFlows; next++)
                {
                    if (store.Holds(next) && !store.Handle(next).IsNone() && filter.Selects(store.Spec(next)))
                        _plan.Delete(-1, 0, next, store.Handle(next), store.Spec(next));
                }

                var result = new FlowWriteResult(null);
                await ExecuteAsync(result, atomic: false).ConfigureAwait(false);
                deleted += result.Affected;
            }
            finally
            {
                CompactIfWanted();
                _gate.Release();
            }
        }

        return deleted;
    }

    private async Task WriteEachAsync(FlowWrite write, FlowWriteResult result)
    {
        _plan.Clear();
        var next = 0;
        while (true)
        {
            next = PlanRun(write, next, result);
            await ExecuteAsync(result, atomic: false).ConfigureAwait(false);
            if (next == write.Count) return;
            _plan.Clear();
        }
    }

    private async Task WriteAtomicallyAsync(FlowWrite write, FlowWriteResult result)
    {
        _plan.Clear();
        if (PlanRun(write, 0, result) < write.Count && !result.AnyFailed)
        {
            // Updates that build on each other: the net change goes out as one batch.
            _plan.Clear();
            result.Reset();
            for (var i = 0; i < write.Count; i++) Check(write, i, result);
            if (!result.AnyFailed) new FlowOverlay(store).Plan(write, _plan, result.Outcomes);
        }

        if (result.FirstFailed is { } failed)
            throw new FlowException(result.Outcomes[failed].Code, $"update {failed}: {result.Outcomes[failed].Message}", failed);
        await ExecuteAsync(result, atomic: true).ConfigureAwait(false);
    }

    /// <summary>Plans updates up to the first that needs the effect of those before it; answers where to go on.</summary>
    private int PlanRun(FlowWrite write, int next, FlowWriteResult result)
    {
        for (; next < write.Count; next++)
        {
            ref var item = ref write[next];
            if (item.Kind is UpdateKind.Modify or UpdateKind.Delete && _plan.Count > 0) return next;
            if (!Check(write, next, result)) continue;
            var spec = write.Spec(next);
            if (item.Kind is UpdateKind.Modify or UpdateKind.Delete)
            {
                PlanLoose(next, item, spec, result);
                continue;
            }

            var identity = FlowIdentity.Of(spec);
            var hash = store.HashOf(identity);
            if (item.Kind == UpdateKind.Insert)
            {
                _plan.Add(next, hash, spec);
                continue;
            }

            if (_plan.Touches(hash)) return next;
            var index = store.Find(identity);
            if (index == FlowStore.None || store.Handle(index).IsNone())
                result.Fail(next, StatusCode.NotFound, new FlowSpecError(FlowErrorCode.NotFound).Describe());
            else if (item.Kind == UpdateKind.DeleteStrict)
                _plan.Delete(next, hash, index, store.Handle(index), store.Spec(index));
            else
                _plan.Modify(next, hash, index, store.Handle(index), FlowPlan.WithInstructions(store.Spec(index), spec));
        }

        return next;
    }

    private void PlanLoose(int update, FlowUpdateItem item, ReadOnlySpan<byte> spec, FlowWriteResult result)
    {
        var filter = FlowFilter.OfLoose(spec, item.CookieMask);
        result.Note(update, 0);
        for (var i = 0; i < store.End; i++)
        {
            if (!store.Holds(i) || store.Handle(i).IsNone() || !filter.Selects(store.Spec(i))) continue;
            var hash = store.HashOf(FlowIdentity.Of(store.Spec(i)));
            if (item.Kind == UpdateKind.Delete) _plan.Delete(update, hash, i, store.Handle(i), store.Spec(i));
            else _plan.Modify(update, hash, i, store.Handle(i), FlowPlan.WithInstructions(store.Spec(i), spec));
        }
    }

    private bool Check(FlowWrite write, int index, FlowWriteResult result)
    {
        ref var item = ref write[index];
        var fault = item.Fault;
        if (fault is null && item.Kind is < UpdateKind.Insert or > UpdateKind.Delete)
            fault = $"type: {(int)item.Kind} is none of INSERT, MODIFY_STRICT, MODIFY, DELETE_STRICT, DELETE";
        if (fault is null)
        {
            FlowKey key = default, mask = default;
            var error = FlowSpecDecoder.TryDecode(write.Spec(index), limits.ForFlows, out _, ref key, ref mask);
            if (error.IsOk) return true;
            fault = error.Describe();
        }

        result.Fail(index, StatusCode.InvalidArgument, fault);
        return false;
    }

    private async Task ExecuteAsync(FlowWriteResult result, bool atomic)
    {
        if (_plan.Count == 0) return;
        var session = Session;
        try
        {
            journal?.Reserve(_plan.JournalBytes);
        }
        catch (JournalException e)
        {
            throw new FlowException(StatusCode.ResourceExhausted, e.Message);
        }

        FlowResult[] results;
        try
        {
            if (atomic)
            {
                var outcome = await session.Control.WriteFlowsAtomicallyAsync(_plan.Buffer).ConfigureAwait(false);
                if (!outcome.Applied) throw Refusal(outcome.FailedIndex, outcome.Failure);
                results = outcome.Results;
            }
            else
            {
                results = await session.Control.WriteFlowsAsync(_plan.Buffer).ConfigureAwait(false);
            }
        }
        catch (TimeoutException e)
        {
            RequestReconcile();
            throw new FlowException(StatusCode.DeadlineExceeded, $"the data plane did not answer in time: {e.Message}");
        }
        catch (ChannelException e)
        {
            throw new FlowException(StatusCode.Unavailable, e.Message);
        }

        Apply(results, result);
    }

    private FlowException Refusal(int command, FlowResult failure)
    {
        var update = command < _plan.Count ? _plan[command].Update : -1;
        return new(FlowException.CodeOf(failure.Code), $"update {update}: {failure.Error.Describe()}", update);
    }

    private void Apply(FlowResult[] results, FlowWriteResult result)
    {
        _record.Clear();
        for (var i = 0; i < results.Length; i++)
        {
            var command = _plan[i];
            if (results[i].IsOk)
            {
                ApplyOne(command, _plan.Spec(i), results[i]);
                result.Succeeded(command.Update, command.Type != MessageType.FlowAdd);
                continue;
            }

            // A flow that a timeout took a moment ago is no error for those that did not name it.
            var gone = results[i].Code is FlowErrorCode.StaleHandle or FlowErrorCode.NotFound;
            if (gone && result.IsLoose(command.Update)) continue;
            result.Fail(command.Update, FlowException.CodeOf(results[i].Code), results[i].Error.Describe());
        }

        AppendRecord();
    }

    private void ApplyOne(in FlowPlan.Command command, ReadOnlySpan<byte> spec, in FlowResult result)
    {
        switch (command.Type)
        {
            case MessageType.FlowAdd:
                Retire(FlowIdentity.Of(spec));
                _static.Remove(store.Put(spec, new(result.Slot, result.Generation)));
                _record.Put(spec);
                break;
            case MessageType.FlowModify:
                store.Put(spec, store.Handle(command.Index));
                _static.Remove(command.Index);
                _record.Put(spec);
                break;
            default:
                PublishRemoval(spec, FlowRemovedReason.Delete, result.Packets, result.Bytes, result.DurationNs);
                _record.Remove(FlowIdentity.Of(spec));
                store.Remove(command.Index);
                _static.Remove(command.Index);
                break;
        }
    }

    /// <summary>Keeps the encoding of a flow that is about to be replaced, for the event that tells its final counters.</summary>
    private void Retire(FlowIdentity identity)
    {
        if (!Removals.HasSubscribers) return;
        var index = store.Find(identity);
        if (index == FlowStore.None || store.Handle(index).IsNone()) return;
        if (_retired.Count >= MaxRetired) _retired.Clear();
        _retired[store.Handle(index)] = store.Spec(index).ToArray();
    }

    private void PublishRemoval(ReadOnlySpan<byte> spec, FlowRemovedReason reason, ulong packets, ulong bytes, ulong durationNs)
    {
        if (Removals.HasSubscribers) Removals.Publish(new(spec.ToArray(), reason, packets, bytes, durationNs));
    }

    private void AppendRecord()
    {
        if (journal is null || _record.IsEmpty) return;
        try
        {
            journal.Append(_record);
        }
        catch (JournalException e)
        {
            log.JournalFailed(e.Message);
            throw new FlowException(StatusCode.ResourceExhausted, $"the flows are installed, but will not survive a restart: {e.Message}");
        }
    }

    private void CompactIfWanted()
    {
        if (journal is null || !journal.WantsCompaction) return;
        try
        {
            journal.Compact(store, index => !_static.Contains(index));
        }
        catch (JournalException e)
        {
            log.JournalFailed(e.Message);
        }
    }

    public void Dispose()
    {
        journal?.Dispose();
        _gate.Dispose();
    }
}
