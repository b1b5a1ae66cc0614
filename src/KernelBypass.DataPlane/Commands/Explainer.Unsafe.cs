using KernelBypass.Channel.Messages;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.L2;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Actions;
using KernelBypass.Pipeline.Tables;
using ExplainStep = KernelBypass.Channel.Messages.ExplainStep;
using TableStep = KernelBypass.Pipeline.Tables.ExplainStep;

namespace KernelBypass.DataPlane.Commands;

/// <summary>
/// Runs a packet through the tables and actions as they stand, on packets in ordinary memory: sends nothing, counts nothing,
/// learns
/// nothing. Cold; allocates.
/// </summary>
internal sealed unsafe class Explainer(SwitchRuntime runtime)
{
    private const string TableMiss = "table_miss";

    private readonly List<ExplainStep> _steps = [];

    /// <summary>What would become of a packet.</summary>
    /// <exception cref="CommandException">The packet's length or its port cannot be.</exception>
    internal ExplainAnswer Explain(uint inPort, byte[] frame)
    {
        if (frame.Length is 0 or > DetachedPackets.MaxFrame)
            throw new CommandException(
                CommandErrorCode.InvalidArgument, $"packet: {frame.Length} bytes; give 1 to {DetachedPackets.MaxFrame}");
        if (runtime.PortNumbers.Current.IndexOf(inPort) < 0)
            throw new CommandException(CommandErrorCode.InvalidArgument, $"in_port: there is no port {inPort}");
        using var packets = new DetachedPackets();
        var mbuf = packets.Create(frame, inPort);
        var meta = DetachedPackets.Meta(mbuf);
        var text = TraceText.Packet(frame);
        var packet = new Mbuf((RteMbuf*)mbuf);
        var verdict = Parser.Parse(packet.Data, packet.DataLength, frame.Length, meta);
        if (verdict != ParserVerdict.Ok)
        {
            var reason = ParserDropReasons.All[ParserDropReasons.Index(verdict)].Name;
            return Dropped(text, reason, "parse", $"malformed: {reason}", "");
        }

        _steps.Add(new() { Kind = "parse", Text = text });
        Span<TableStep> found = stackalloc TableStep[FlowPath.MaxFlows];
        found = found[..runtime.Tables.Explain(meta->Key, found)];
        return Follow(packets, mbuf, meta, found, text);
    }

    private ExplainAnswer Follow(DetachedPackets packets, void* mbuf, PacketMeta* meta, Span<TableStep> found, string text)
    {
        var flows = new List<CompiledActions>();
        try
        {
            FlowPath path = default;
            foreach (var step in found)
            {
                if (!step.Flow.IsValid)
                    return Dropped(
                        text, TableMiss, "table", $"table {step.TableId}: no flow matches", $" in table {step.TableId}");
                _ = runtime.Tables.TryGet(step.Flow, out _, out var spec);
                _ = FlowSpecDecoder.TryReadHeader(spec, out var head);
                _steps.Add(TraceText.Matched(step.TableId, head.Priority, head.Cookie, step.Flow.Slot, step.Flow.Generation));
                var compiled = new CompiledActions();
                flows.Add(compiled);
                _ = compiled.TryCompile(head, FlowSpecDecoder.Apply(spec, head), FlowSpecDecoder.Write(spec, head));
                path.Flows[flows.Count - 1] = (long)compiled.Entry;
            }

            meta->FlowCount = flows.Count;
            meta->Flow0 = (nint)path.Flows[0];
            meta->Flow1 = (nint)path.Flows[1];
            meta->FlowPath = flows.Count > 2 ? (nint)(&path) : 0;
            return Execute(packets, mbuf, meta, text);
        }
        finally
        {
            foreach (var compiled in flows) compiled.Dispose();
        }
    }

    private ExplainAnswer Execute(DetachedPackets packets, void* mbuf, PacketMeta* meta, string text)
    {
        using var counters = new NativeCounterSpace();
        using var macs = new MacTable(16, 1, counters);
        using var context = new DetachedContext(packets);
        CopyStation(macs, context, mbuf, meta);
        using var stage = new ActionsStage(context, runtime.PortNumbers, macs);
        var buffer = stackalloc void*[Burst.Capacity];
        buffer[0] = mbuf;
        meta->Traced = 1;
        var burst = new Burst { Packets = buffer, Count = 1 };
        stage.Process(ref burst);
        for (var i = 0; i < context.Trace->StepCount; i++)
        {
            var step = context.Trace->Step(i);
            if (step.Kind == Pipeline.Capture.TraceStepKind.Action) _steps.Add(TraceText.Describe(step, runtime.Engine));
        }

        var outputs = new List<ExplainOutput>();
        for (var i = 0; i < burst.Count; i++)
        {
            outputs.Add(new(DetachedPackets.Meta(buffer[i])->OutPort, DetachedPackets.Frame(buffer[i])));
            _steps.Add(new() { Kind = "output", Text = $"sent to {TraceText.Port(outputs[i].Port, runtime.Engine)}" });
        }

        foreach (var (_, info, _) in context.Punts) _steps.Add(
            new() { Kind = "punt", Text = $"sent to the controller: {info.Reason}" });
        var dropped = context.Drops.Count > 0 ? ActionsDropReasons.All[context.Drops[0].Reason].Name : "";
        if (dropped.Length > 0) _steps.Add(new() { Kind = "drop", Text = $"dropped: {dropped}" });
        var verdict = _steps.Where(step => step.Kind is "output" or "punt" or "drop").Select(step => step.Text);
        return new()
        {
            Packet = text,
            Steps = _steps,
            Outputs = outputs,
            DropReason = outputs.Count == 0 ? dropped : "",
            Verdict = string.Join("; ", verdict),
        };
    }

    /// <summary>Output normal looks the destination up: the explanation's own table of stations gets that one, so that nothing is
    /// learnt in
    /// the switch's.</summary>
    private void CopyStation(MacTable macs, DetachedContext context, void* mbuf, PacketMeta* meta)
    {
        var frame = new Mbuf((RteMbuf*)mbuf).Span;
        ulong destination = 0;
        for (var i = 0; i < 6; i++) destination = (destination << 8) | frame[i];
        var vlan = meta->VlanTags == 0 ? 0 : ((frame[14] & 0x0f) << 8) | frame[15];
        for (var cursor = 0; runtime.Macs.TryGetNext(ref cursor, out var station);)
        {
            if (station.Mac != destination || station.Vlan != vlan) continue;
            var seen = stackalloc byte[18];
            frame[..6].CopyTo(new Span<byte>(seen + 6, 6));
            if (frame.Length >= 18) frame[12..18].CopyTo(new Span<byte>(seen + 12, 6));
            var from = new PacketMeta { InPort = station.Port, VlanTags = meta->VlanTags };
            new MacLearner(macs, 0, context.Counter("explain")).Learn(seen, &from);
            _ = macs.Maintain(1);
            return;
        }
    }

    private ExplainAnswer Dropped(string packet, string reason, string kind, string step, string where)
    {
        _steps.Add(new() { Kind = kind, Text = step });
        _steps.Add(new() { Kind = "drop", Text = $"dropped: {reason}" });
        return new() { Packet = packet, Steps = _steps, DropReason = reason, Verdict = $"dropped: {reason}{where}" };
    }
}
