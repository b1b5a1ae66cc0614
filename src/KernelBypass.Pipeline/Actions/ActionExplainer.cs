using System.Runtime.InteropServices;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Tables;
using KernelBypass.Wire;

namespace KernelBypass.Pipeline.Actions;

/// <summary>One step for people.</summary>
/// <param name="Kind">parse, table, action, output, drop, punt: kernelbypass.v1.Step.kind.</param>
/// <param name="Text">One line.</param>
/// <param name="Step">What it was made of; Kind None for the parse step.</param>
public sealed record ExplainedStep(string Kind, string Text, TraceStep Step);

/// <summary>A packet as it would leave.</summary>
/// <param name="Port">The port, or <see cref="Model.Flows.ReservedPort.Controller"/>.</param>
/// <param name="Frame">Its bytes; for the controller cut to max_len.</param>
public sealed record ExplainedOutput(uint Port, byte[] Frame);

/// <summary>What would become of a packet.</summary>
/// <param name="Packet">The packet as it came, in one line.</param>
/// <param name="Steps">In the order of execution.</param>
/// <param name="Outputs">Ports and the controller, in the order of execution (the controller's last).</param>
/// <param name="DropReason">Name of the reason when it would be dropped, else null.</param>
public sealed record ActionExplanation(
    string Packet, IReadOnlyList<ExplainedStep> Steps, IReadOnlyList<ExplainedOutput> Outputs, string? DropReason)
{
    /// <summary>For people: <c>sent to port 2</c>, <c>dropped: ttl_expired</c>.</summary>
    public string Verdict
    {
        get
        {
            var sent = string.Join(" and ", Outputs.Select(o =>
                o.Port == Model.Flows.ReservedPort.Controller ? "to the controller" : $"to port {TraceStepText.Port(o.Port)}"));
            var dropped = DropReason is null ? "" : $"dropped: {DropReason}";
            return Outputs.Count == 0 ? dropped : DropReason is null ? $"sent {sent}" : $"sent {sent}, then {dropped}";
        }
    }
}

/// <summary>
/// Tells what the actions of a path of flows would do to a frame, by letting the executor do it to a copy: what it says is what
/// happens. Sends nothing, counts nothing, learns nothing. Not for the packet path: it allocates.
/// </summary>
/// <param name="ports">The ports as they are.</param>
/// <param name="macs">The MAC table that output normal looks into, or null.</param>
/// <param name="puntExpired">The actions stage's option punt_expired_ttl.</param>
public sealed unsafe class ActionExplainer(PortDirectory ports, MacTable? macs, bool puntExpired)
{
    /// <summary>Parses a frame as the parse stage does.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="inPort">The port it would come in by.</param>
    /// <param name="meta">Its meta, for the classifier.</param>
    /// <returns>Null, or the explanation of a malformed frame.</returns>
    public static ActionExplanation? Parse(ReadOnlySpan<byte> frame, uint inPort, out PacketMeta meta)
    {
        PacketMeta parsed = default;
        parsed.InPort = inPort;
        parsed.WireLength = (uint)frame.Length;
        ParserVerdict verdict;
        fixed (byte* data = frame) verdict = Parser.Parse(data, frame.Length, frame.Length, &parsed);
        meta = parsed;
        if (verdict == ParserVerdict.Ok) return null;
        var reason = ParserDropReasons.All[ParserDropReasons.Index(verdict)];
        var packet = FrameDissector.Describe(frame);
        ExplainedStep[] steps =
            [new("parse", packet, default), new("drop", $"dropped: {reason.Name}: {reason.Description}", default)];
        return new ActionExplanation(packet, steps, [], reason.Name);
    }

    /// <summary>Explains a well-formed frame.</summary>
    /// <param name="frame">The frame, at most <see cref="DetachedPackets.MaxFrame"/> bytes.</param>
    /// <param name="inPort">The port it would come in by.</param>
    /// <param name="flows">The flows it meets, table by table (FlowEntry pointers), at most <see cref="FlowPath.MaxFlows"/>.</param>
    public ActionExplanation Explain(ReadOnlySpan<byte> frame, uint inPort, ReadOnlySpan<nint> flows)
    {
        if (Parse(frame, inPort, out var meta) is { } malformed) return malformed;
        using var packets = new DetachedPackets();
        using var context = new DetachedContext(packets);
        var outputs = (void**)NativeMemory.Alloc(Burst.Capacity, (nuint)sizeof(void*));
        try
        {
            FlowPath path;
            flows.CopyTo(new Span<nint>(&path, FlowPath.MaxFlows));
            meta.FlowCount = flows.Length;
            meta.FlowPath = (nint)(&path);
            meta.Flow0 = flows.Length > 0 ? flows[0] : 0;
            meta.Flow1 = flows.Length > 1 ? flows[1] : 0;
            meta.Traced = 1;
            var mbuf = packets.Create(frame, inPort);
            *DetachedPackets.Meta(mbuf) = meta;
            var executor = new ActionExecutor(context, outputs, macs is null ? null : new MacLearner(macs), puntExpired);
            executor.Begin(ports.Current);
            executor.Execute(mbuf);
            return Describe(frame, context, executor.Outputs);
        }
        finally
        {
            NativeMemory.Free(outputs);
        }
    }

    private static ActionExplanation Describe(
        ReadOnlySpan<byte> frame, DetachedContext context, ReadOnlySpan<nint> sent)
    {
        var outputs = new List<ExplainedOutput>();
        foreach (var packet in sent)
            outputs.Add(new(DetachedPackets.Meta((void*)packet)->OutPort, DetachedPackets.Frame((void*)packet)));
        foreach (var punt in context.Punts) outputs.Add(new(Model.Flows.ReservedPort.Controller, punt.Frame));

        var line = FrameDissector.Describe(frame);
        var steps = new List<ExplainedStep> { new("parse", line, default) };
        var trace = context.Trace;
        for (var i = 0; i < trace->StepCount; i++) Add(steps, trace->Step(i));
        if (trace->StepsLost > 0) steps.Add(new("action", $"and {trace->StepsLost} more steps", default));
        string? reason = null;
        foreach (var drop in context.Drops)
        {
            var declared = ActionsDropReasons.All[drop.Reason];
            reason = declared.Name;
            steps.Add(new("drop", $"dropped: {declared.Name}: {declared.Description}", new TraceStep { Kind = TraceStepKind.Drop }));
        }

        return new ActionExplanation(line, steps, outputs, reason);
    }

    private static void Add(List<ExplainedStep> steps, in TraceStep step) =>
        steps.Add(new(TraceStepText.Kind(step.Kind), TraceStepText.Describe(step), step));
}
