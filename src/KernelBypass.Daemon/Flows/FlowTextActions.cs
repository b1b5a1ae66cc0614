using KernelBypass.Model.Flows;

namespace KernelBypass.Daemon.Flows;

/// <summary>The actions half of <see cref="FlowText"/>: <c>dec_ttl,set_field:eth_dst=02:00:00:00:00:01,output:2,goto_table:1</c>.</summary>
internal static class FlowTextActions
{
    private static readonly Dictionary<string, uint> s_ports = new()
    {
        ["in_port"] = ReservedPort.InPort,
        ["normal"] = ReservedPort.Normal,
        ["flood"] = ReservedPort.Flood,
        ["all"] = ReservedPort.All,
        ["controller"] = ReservedPort.Controller,
    };

    private static readonly string[] s_names =
        ["output", "drop", "set_field", "push_vlan", "pop_vlan", "dec_ttl", "goto_table", "write_metadata", "clear_actions", "write"];

    internal static bool TryParse(string text, FlowText.Draft draft, out string error)
    {
        error = "";
        foreach (var part in Split(text))
        {
            if (part.StartsWith("write(", StringComparison.Ordinal) && part.EndsWith(')'))
            {
                foreach (var inner in Split(part["write(".Length..^1]))
                {
                    if (!TryAction(inner, draft.Write, out error)) return false;
                }
            }
            else if (!TryInstruction(part, draft, out var known, out error)
                || (!known && !TryAction(part, draft.Apply, out error)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Splits at commas outside parentheses.</summary>
    private static List<string> Split(string text)
    {
        var parts = new List<string>();
        var depth = 0;
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            var at = i < text.Length ? text[i] : ',';
            if (at == '(') depth++;
            if (at == ')') depth--;
            if (at != ',' || (depth > 0 && i < text.Length)) continue;
            if (text[start..i].Trim() is { Length: > 0 } part) parts.Add(part);
            start = i + 1;
        }

        return parts;
    }

    private static bool TryInstruction(string part, FlowText.Draft draft, out bool known, out string error)
    {
        var (name, argument) = Cut(part, ':');
        known = true;
        error = "";
        ulong number;
        switch (name)
        {
            case "goto_table":
                if (!FlowText.TryNumber(name, argument, 254, out number, out error)) return false;
                draft.Goto = (byte)number;
                return true;
            case "clear_actions":
                draft.Clear = true;
                return true;
            case "write_metadata":
                var (value, mask) = Cut(argument, '/');
                draft.MetadataMask = ulong.MaxValue;
                return FlowText.TryNumber(name, value, ulong.MaxValue, out draft.MetadataValue, out error)
                    && (mask.Length == 0 || FlowText.TryNumber(name, mask, ulong.MaxValue, out draft.MetadataMask, out error));
            default:
                known = false;
                return true;
        }
    }

    private static bool TryAction(string part, List<FlowAction> actions, out string error)
    {
        error = "";
        var (name, argument) = Cut(part, ':');
        switch (name)
        {
            case "drop":
                actions.Add(FlowAction.Drop);
                return true;
            case "pop_vlan":
                actions.Add(FlowAction.PopVlan);
                return true;
            case "dec_ttl":
                actions.Add(FlowAction.DecTtl);
                return true;
            case "push_vlan":
                if (!FlowText.TryNumber(name, argument, ushort.MaxValue, out var tpid, out error)) return false;
                actions.Add(FlowAction.PushVlan((ushort)tpid));
                return true;
            case "output":
                return TryOutput(argument, actions, out error);
            case "set_field":
                return TrySetField(argument, actions, out error);
            case var port when s_ports.ContainsKey(port):
                return TryOutput(part, actions, out error);
            default:
                var nearest = Configuration.NearestName.Find(name, s_names.Concat(s_ports.Keys));
                error = $"no action '{name}'{(nearest is null ? "" : $": did you mean '{nearest}'?")}";
                return false;
        }
    }

    private static bool TryOutput(string text, List<FlowAction> actions, out string error)
    {
        var (name, length) = Cut(text, ':');
        ulong bytes = 0;
        error = "";
        if (length.Length > 0 && !FlowText.TryNumber("controller", length, 0xfffe, out bytes, out error)) return false;
        if (!s_ports.TryGetValue(name, out var port))
        {
            if (!FlowText.TryNumber("output", name, ReservedPort.Max, out var number, out error)) return false;
            port = (uint)number;
        }

        actions.Add(FlowAction.Output(port, bytes == 0 ? (ushort)0xffff : (ushort)bytes));
        return true;
    }

    private static bool TrySetField(string text, List<FlowAction> actions, out string error)
    {
        var (name, value) = Cut(text, '=');
        if (MatchFieldCatalogue.Find(name) is not { } field)
        {
            var nearest = Configuration.NearestName.Find(name, MatchFieldCatalogue.All.Select(known => known.Name));
            error = $"set_field: no field '{name}'{(nearest is null ? "" : $": did you mean '{nearest}'?")}";
            return false;
        }

        if (!FlowText.TryValue(field, value, out var bytes, out error)) return false;
        actions.Add(FlowAction.SetField(field.Id, bytes));
        return true;
    }

    private static (string Name, string Argument) Cut(string text, char at)
    {
        var index = text.IndexOf(at, StringComparison.Ordinal);
        return index < 0 ? (text.Trim(), "") : (text[..index].Trim(), text[(index + 1)..].Trim());
    }
}
