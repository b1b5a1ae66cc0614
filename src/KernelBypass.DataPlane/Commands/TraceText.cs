using System.Globalization;
using System.Text.Json;
using KernelBypass.Channel.Messages;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Actions;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Stages;
using KernelBypass.Wire;

namespace KernelBypass.DataPlane.Commands;

/// <summary>Words for what becomes of a packet: traces and explain say the same things.</summary>
internal static class TraceText
{
    /// <summary>A trace record's steps, as the JSON that goes to the daemon.</summary>
    internal static byte[] Encode(in TraceRecord record, ReadOnlySpan<byte> data, PipelineEngine engine)
    {
        var steps = new List<Channel.Messages.ExplainStep>();
        var verdict = "";
        for (var i = 0; i < record.StepCount; i++)
        {
            var step = record.Step(i);
            var described = Describe(step, engine);
            steps.Add(described);
            if (step.Kind is TraceStepKind.Output or TraceStepKind.Drop or TraceStepKind.Punt)
                verdict += (verdict.Length > 0 ? "; " : "") + described.Text;
        }

        if (record.StepsLost > 0) steps.Add(new() { Kind = "action", Text = $"{record.StepsLost} more steps" });
        var answer = new ExplainAnswer
        {
            Packet = Packet(data),
            Steps = steps,
            DropReason = record.DropReason == 0 ? "" : DropName(record.DropReason),
            Verdict = verdict.Length > 0 ? verdict : "under way",
        };
        return JsonSerializer.SerializeToUtf8Bytes(answer, ChannelJson.Default.ExplainAnswer);
    }

    /// <summary>One line for a packet.</summary>
    internal static string Packet(ReadOnlySpan<byte> data) => FrameDissector.Describe(data);

    /// <summary>An address as people write it.</summary>
    internal static string Mac(ulong mac) =>
        string.Join(
            ':', Enumerable.Range(0, 6).Select(i => ((byte)(mac >> (40 - 8 * i))).ToString("x2", CultureInfo.InvariantCulture)));

    /// <summary>"port 2 (p1)".</summary>
    internal static string Port(uint number, PipelineEngine engine) => number switch
    {
        > ReservedPort.Max => TraceStepText.Port(number),
        _ => engine.Ports.Find(number.ToString(CultureInfo.InvariantCulture)) is { } port ? $"port {number} ({port.Spec.Name})"
            : $"port {number} (absent)",
    };

    /// <summary>Name of a drop reason by its data-plane-wide number.</summary>
    internal static string DropName(int number)
    {
        var reasons = StageCatalogue.Default.DropReasons;
        return number > 0 && number <= reasons.Count ? reasons[number - 1].Declaration.Name : $"reason {number}";
    }

    /// <summary>A step of a trace record.</summary>
    internal static Channel.Messages.ExplainStep Describe(in TraceStep step, PipelineEngine engine) => step.Kind switch
    {
        TraceStepKind.FlowMatched => Matched(step.TableId, step.Priority, step.Cookie, step.FlowSlot, step.FlowGeneration),
        TraceStepKind.TableMiss => Missed(step.TableId),
        TraceStepKind.Action => new() { Kind = "action", Text = TraceStepText.Action(step) },
        TraceStepKind.Output => new() { Kind = "output", Text = $"sent to {Port(step.Port, engine)}" },
        TraceStepKind.Drop => new() { Kind = "drop", Text = $"dropped: {DropName((int)step.Argument)}" },
        _ => new() { Kind = "punt", Text = $"sent to the controller: {(PacketInReason)step.Argument}" },
    };

    /// <summary>A table without a flow for the packet.</summary>
    internal static Channel.Messages.ExplainStep Missed(byte table) =>
        new() { Kind = "table", Text = $"table {table}: no flow matches", TableId = table };

    /// <summary>A flow that was met.</summary>
    internal static Channel.Messages.ExplainStep Matched(
        byte table, ushort priority, ulong cookie, uint slot, uint generation) => new()
        {
            Kind = "table",
            Text = $"table {table}: priority {priority} cookie 0x{cookie:x} matched",
            TableId = table,
            Slot = slot,
            Generation = generation,
        };
}
