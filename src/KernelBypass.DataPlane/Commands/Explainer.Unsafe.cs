using KernelBypass.Channel.Messages;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Tables;
using ExplainStep = KernelBypass.Channel.Messages.ExplainStep;
using TableStep = KernelBypass.Pipeline.Tables.ExplainStep;

namespace KernelBypass.DataPlane.Commands;

/// <summary>
/// Runs a packet through the tables as they stand and lets <see cref="ActionExplainer"/> execute the flows it meets: sends nothing,
/// counts nothing, learns nothing. On the main lcore, which alone changes the tables. Cold; allocates.
/// </summary>
internal sealed unsafe class Explainer(SwitchRuntime runtime)
{
    private const string TableMiss = "table_miss";

    /// <summary>What would become of a packet.</summary>
    /// <exception cref="CommandException">The packet's length or its port cannot be.</exception>
    internal ExplainAnswer Explain(uint inPort, byte[] frame)
    {
        if (frame.Length is 0 or > DetachedPackets.MaxFrame)
            throw new CommandException(
                CommandErrorCode.InvalidArgument, $"packet: {frame.Length} bytes; give 1 to {DetachedPackets.MaxFrame}");
        if (runtime.PortNumbers.Current.IndexOf(inPort) < 0)
            throw new CommandException(CommandErrorCode.InvalidArgument, $"in_port: there is no port {inPort}");
        if (ActionExplainer.Parse(frame, inPort, out var meta) is { } malformed) return Answer(malformed);
        Span<TableStep> path = stackalloc TableStep[FlowPath.MaxFlows];
        path = path[..runtime.Tables.Explain(meta.Key, path)];
        Span<nint> flows = stackalloc nint[FlowPath.MaxFlows];
        var count = 0;
        var applied = 0;
        foreach (var step in path)
        {
            var entry = runtime.Tables.Entry(step.Flow);
            if (!step.Flow.IsValid || entry == null) break;
            flows[count++] = (nint)entry;
            applied += entry->ApplyCount;
        }

        // As the classify stage does: a miss ends the way of a packet to which nothing has been applied.
        if (count < path.Length && applied == 0) return Missed(frame, flows[..count], path[^1].TableId);
        return Answer(new ActionExplainer(runtime.PortNumbers, runtime.Macs, PuntsExpired()).Explain(frame, inPort, flows[..count]));
    }

    private bool PuntsExpired() => runtime.Config.Pipeline.Stages.Any(
        stage => stage.Kind == ActionsStage.Declared.Kind && stage.Options.GetValueOrDefault(ActionsStage.PuntExpiredOption) != 0);

    private ExplainAnswer Answer(ActionExplanation explained)
    {
        var steps = new List<ExplainStep>();
        foreach (var step in explained.Steps) steps.Add(Describe(step, explained.DropReason));
        var outputs = explained.Outputs.Where(output => output.Port != ReservedPort.Controller);
        return new()
        {
            Packet = explained.Packet,
            Steps = steps,
            Outputs = [.. outputs.Select(output => new ExplainOutput(output.Port, output.Frame))],
            DropReason = explained.Outputs.Any(output => output.Port != ReservedPort.Controller) ? "" : explained.DropReason ?? "",
            Verdict = string.Join("; ", steps.Where(step => step.Kind is "output" or "punt" or "drop").Select(step => step.Text)),
        };
    }

    private ExplainStep Describe(ExplainedStep step, string? dropReason) => step.Step.Kind switch
    {
        TraceStepKind.None when step.Kind != "drop" => new() { Kind = step.Kind, Text = step.Text },
        TraceStepKind.None or TraceStepKind.Drop => new() { Kind = "drop", Text = $"dropped: {dropReason}" },
        _ => TraceText.Describe(step.Step, runtime.Engine),
    };

    private static ExplainAnswer Missed(byte[] frame, ReadOnlySpan<nint> flows, byte table)
    {
        var packet = TraceText.Packet(frame);
        var steps = new List<ExplainStep> { new() { Kind = "parse", Text = packet } };
        foreach (var flow in flows)
        {
            var entry = (FlowEntry*)flow;
            steps.Add(TraceText.Matched(entry->TableId, entry->Priority, entry->Cookie, entry->Slot, entry->Generation));
        }

        steps.Add(TraceText.Missed(table));
        steps.Add(new() { Kind = "drop", Text = $"dropped: {TableMiss}" });
        return new()
        {
            Packet = packet,
            Steps = steps,
            DropReason = TableMiss,
            Verdict = $"dropped: {TableMiss} in table {table}",
        };
    }
}
