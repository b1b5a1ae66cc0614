using Grpc.Core;

namespace KernelBypass.Daemon.Flows;

/// <summary>
/// What becomes of a request while it is carried out. Outcomes are kept only once there is something to tell beyond "done": loading
/// a million plain flows makes none.
/// </summary>
internal sealed class FlowWriteResult(FlowWrite? write)
{
    private UpdateOutcome[]? _outcomes;
    private int _failed;

    /// <summary>One for each update.</summary>
    internal UpdateOutcome[] Outcomes => _outcomes ??= new UpdateOutcome[write!.Count];

    internal bool AnyFailed => _failed > 0;

    /// <summary>The first update that failed, or null.</summary>
    internal int? FirstFailed => _failed == 0 ? null : Array.FindIndex(Outcomes, outcome => outcome.Code != StatusCode.OK);

    internal int Applied => (write?.Count ?? 0) - _failed;

    /// <summary>Flows changed, when the request had no updates (a delete by filter).</summary>
    internal ulong Affected { get; private set; }

    internal void Reset()
    {
        _outcomes = null;
        _failed = 0;
    }

    internal bool IsLoose(int update) => update < 0 || write![update].Kind is UpdateKind.Modify or UpdateKind.Delete;

    /// <summary>Begins to count the flows that an update changes.</summary>
    internal void Note(int update, uint affected) => Outcomes[update] = new(StatusCode.OK, null, affected);

    internal void Succeeded(int update, bool counted)
    {
        if (update < 0) Affected++;
        else if (counted && !WasCounted(update)) Outcomes[update].Affected++;
    }

    internal void Fail(int update, StatusCode code, string message)
    {
        if (update < 0) return;
        if (Outcomes[update].Code == StatusCode.OK) _failed++;
        Outcomes[update] = new(code, message, Outcomes[update].Affected);
    }

    internal FlowWriteOutcome ToOutcome() => new(Applied, _outcomes);

    /// <summary>A strict update changes one flow, which an overlay has counted already.</summary>
    private bool WasCounted(int update) => Outcomes[update].Affected > 0 && !IsLoose(update);
}
