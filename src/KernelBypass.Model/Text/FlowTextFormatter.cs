using System.Buffers.Binary;
using System.Globalization;
using KernelBypass.Model.Flows;

namespace KernelBypass.Model.Text;

/// <summary>Writes flows as <see cref="FlowTextParser"/> reads them.</summary>
public static class FlowTextFormatter
{
    /// <summary>The whole flow on one line.</summary>
    public static string Format(FlowSpec flow)
    {
        var parts = new List<string> { Number("table", flow.TableId), Number("priority", flow.Priority) };
        if (flow.Cookie != 0) parts.Add($"cookie=0x{flow.Cookie:x}");
        if (flow.IdleTimeoutSeconds != 0) parts.Add(Number("idle_timeout", flow.IdleTimeoutSeconds));
        if (flow.HardTimeoutSeconds != 0) parts.Add(Number("hard_timeout", flow.HardTimeoutSeconds));
        if (flow.Flags.HasFlag(FlowFlags.SendFlowRemoved)) parts.Add("send_flow_removed");
        if (flow.Flags.HasFlag(FlowFlags.CheckOverlap)) parts.Add("check_overlap");
        if (flow.Flags.HasFlag(FlowFlags.ResetCounts)) parts.Add("reset_counts");
        if (flow.Match.Count > 0) parts.Add(FormatMatch(flow.Match));
        return string.Join(',', parts) + " actions=" + FormatInstructions(flow);
    }

    /// <summary>The match alone; empty for a match of everything.</summary>
    public static string FormatMatch(IEnumerable<MatchItem> match) =>
        string.Join(',', match.OrderBy(item => item.Field).Select(item => $"{MatchFieldCatalogue.Find(item.Field)!.Name}={FieldText.Format(item)}"));

    /// <summary>Instructions and actions; "drop" when there are none.</summary>
    public static string FormatInstructions(FlowSpec flow)
    {
        var parts = flow.ApplyActions.Select(FormatAction).ToList();
        if (flow.ClearActions) parts.Add("clear_actions");
        if (flow.WriteActions.Count > 0) parts.Add($"write_actions({string.Join(',', flow.WriteActions.Select(FormatAction))})");
        if (flow.MetadataMask != 0)
        {
            var mask = flow.MetadataMask == ulong.MaxValue ? "" : $"/0x{flow.MetadataMask:x}";
            parts.Add($"write_metadata:0x{flow.MetadataValue:x}{mask}");
        }

        if (flow.GotoTable is { } table) parts.Add(string.Create(CultureInfo.InvariantCulture, $"goto_table:{table}"));
        return parts.Count == 0 ? "drop" : string.Join(',', parts);
    }

    /// <summary>One action.</summary>
    public static string FormatAction(FlowAction action) => action.Kind switch
    {
        ActionKind.Output => FormatOutput(action.Payload),
        ActionKind.Drop => "drop",
        ActionKind.SetField => FormatSetField(action.Payload),
        ActionKind.PushVlan => $"push_vlan:0x{BitConverter.ToUInt16(action.Payload):x4}",
        ActionKind.PopVlan => "pop_vlan",
        ActionKind.DecTtl => "dec_ttl",
        _ => $"action_{(int)action.Kind}",
    };

    /// <summary>A port number or the name of a reserved port.</summary>
    public static string FormatPort(uint port) => port switch
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

    private static string FormatOutput(byte[] payload)
    {
        var port = BinaryPrimitives.ReadUInt32LittleEndian(payload);
        if (port <= ReservedPort.Max) return "output:" + FormatPort(port);
        var length = BinaryPrimitives.ReadUInt16LittleEndian(payload.AsSpan(4));
        return port == ReservedPort.Controller && length != ushort.MaxValue && length != 0
            ? string.Create(CultureInfo.InvariantCulture, $"controller:{length}")
            : FormatPort(port);
    }

    private static string FormatSetField(byte[] payload)
    {
        var field = MatchFieldCatalogue.Find((MatchField)payload[0])!;
        return $"set_field:{field.Name}={FieldText.FormatValue(field, payload.AsSpan(1))}";
    }

    private static string Number(string name, uint value) => string.Create(CultureInfo.InvariantCulture, $"{name}={value}");
}
