using System.Globalization;
using KernelBypass.Model.Flows;
using KernelBypass.Model.Text;
using KernelBypass.Pipeline.Capture;

namespace KernelBypass.Pipeline.Actions;

/// <summary>Steps of a traced or explained packet for people.</summary>
public static class TraceStepText
{
    /// <summary>Kind of a step, as in kernelbypass.v1.Step.kind.</summary>
    public static string Kind(TraceStepKind kind) => kind switch
    {
        TraceStepKind.FlowMatched or TraceStepKind.TableMiss => "table",
        TraceStepKind.Action => "action",
        TraceStepKind.Output => "output",
        TraceStepKind.Drop => "drop",
        TraceStepKind.Punt => "punt",
        _ => "none",
    };

    /// <summary>A step in one line.</summary>
    /// <param name="step">The step.</param>
    /// <param name="dropReason">Names a data-plane-wide drop reason.</param>
    public static string Describe(in TraceStep step, Func<uint, string>? dropReason = null) => step.Kind switch
    {
        TraceStepKind.FlowMatched => Invariant($"table {step.TableId}: priority {step.Priority} cookie 0x{step.Cookie:x} matched"),
        TraceStepKind.TableMiss => Invariant($"table {step.TableId}: no flow matched"),
        TraceStepKind.Action => Invariant($"table {step.TableId}: {Action(step)}"),
        TraceStepKind.Output => Invariant($"output to port {step.Port}"),
        TraceStepKind.Drop => Invariant($"dropped: {dropReason?.Invoke(step.Argument) ?? step.Argument.ToString(CultureInfo.InvariantCulture)}"),
        TraceStepKind.Punt => Invariant($"to the controller: {Reason((PacketInReason)step.Argument)}"),
        _ => "nothing",
    };

    /// <summary>Name of a port number, reserved or real.</summary>
    public static string Port(uint port) => port switch
    {
        ReservedPort.InPort => "in_port",
        ReservedPort.Table => "table",
        ReservedPort.Normal => "normal",
        ReservedPort.Flood => "flood",
        ReservedPort.All => "all",
        ReservedPort.Controller => "controller",
        ReservedPort.Any => "any",
        _ => port.ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>An action as flows are written, <c>set_field:ipv4_dst=10.0.0.1</c>.</summary>
    public static string Action(in TraceStep step) => (ActionKind)step.Argument switch
    {
        ActionKind.Output => $"output:{Port(step.Port)}",
        ActionKind.SetField => $"set_field:{Field(step)}",
        ActionKind.PushVlan => Invariant($"push_vlan:0x{step.Port:x4}"),
        ActionKind.PopVlan => "pop_vlan",
        ActionKind.DecTtl => "dec_ttl",
        ActionKind.Drop => "drop",
        _ => "unknown action",
    };

    private static unsafe string Field(in TraceStep step)
    {
        if (MatchFieldCatalogue.Find((MatchField)step.Port) is not { } field) return "unknown field";
        fixed (byte* value = step.Value) return $"{field.Name}={FieldText.FormatValue(field, new(value, field.ValueBytes))}";
    }

    private static string Reason(PacketInReason reason) => reason switch
    {
        PacketInReason.NoMatch => "no_match",
        PacketInReason.InvalidTtl => "invalid_ttl",
        _ => "action",
    };

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
