using System.Globalization;
using KernelBypass.Model.Flows;

namespace KernelBypass.Model.Text;

/// <summary>A flow while its text is being read, word by word.</summary>
internal sealed class FlowDraft(Func<string, uint?>? resolvePort)
{
    private readonly List<MatchItem> _match = [];
    private readonly List<FlowAction> _apply = [];
    private readonly List<FlowAction> _write = [];
    private byte _table;
    private ushort _priority = 32768;
    private ulong _cookie;
    private uint _idle;
    private uint _hard;
    private FlowFlags _flags;
    private bool _clear;
    private ulong _metadata;
    private ulong _metadataMask;
    private byte? _goto;

    internal IReadOnlyList<MatchItem> Match => _match;

    internal IReadOnlyList<FlowAction> Apply => _apply;

    internal FlowSpec Build() => new()
    {
        TableId = _table,
        Priority = _priority,
        Cookie = _cookie,
        IdleTimeoutSeconds = _idle,
        HardTimeoutSeconds = _hard,
        Flags = _flags,
        Match = _match,
        ApplyActions = _apply,
        WriteActions = _write,
        ClearActions = _clear,
        MetadataValue = _metadata,
        MetadataMask = _metadataMask,
        GotoTable = _goto,
    };

    /// <summary>A word before actions=: an attribute of the flow or a match.</summary>
    internal void AddWord(string word)
    {
        var (name, value) = Pair(word, '=');
        switch (name)
        {
            case "table": _table = (byte)FlowTextParser.Number(name, value, byte.MaxValue - 1); break;
            case "priority": _priority = (ushort)FlowTextParser.Number(name, value, ushort.MaxValue); break;
            case "cookie": _cookie = FlowTextParser.Number(name, value, ulong.MaxValue); break;
            case "idle_timeout": _idle = (uint)FlowTextParser.Number(name, value, uint.MaxValue); break;
            case "hard_timeout": _hard = (uint)FlowTextParser.Number(name, value, uint.MaxValue); break;
            case "send_flow_removed": _flags |= FlowFlags.SendFlowRemoved; break;
            case "check_overlap": _flags |= FlowFlags.CheckOverlap; break;
            case "reset_counts": _flags |= FlowFlags.ResetCounts; break;
            default: AddMatch(word); break;
        }
    }

    /// <summary>A match: field=value[/mask].</summary>
    internal void AddMatch(string word)
    {
        var (name, value) = Pair(word, '=');
        var field = MatchFieldCatalogue.Find(name)
            ?? throw new FormatException($"'{word}': no field or word of that name; fields have OpenFlow's names, such as ipv4_dst=10.0.0.0/8");
        if (value.Length == 0) throw new FormatException($"'{word}': expected {field.Name}=VALUE");
        var item = field.Format == FieldFormat.Port ? new(field.Id, PortBytes(value)) : FieldText.Parse(field, value);
        var same = _match.FindIndex(other => other.Field == item.Field);
        if (same >= 0 && !_match[same].Value.AsSpan().SequenceEqual(item.Value))
            throw new FormatException($"'{word}': {field.Name} is given twice with different values");
        if (same < 0) _match.Add(item);
    }

    /// <summary>An action list with its instructions.</summary>
    internal void AddActions(string text)
    {
        foreach (var word in FlowTextParser.Split(text))
        {
            var (name, value) = Pair(word, ':');
            if (word.StartsWith("write_actions(", StringComparison.Ordinal) && word.EndsWith(')'))
                _write.AddRange(FlowTextParser.Split(word["write_actions(".Length..^1]).Select(Action));
            else if (name == "clear_actions") _clear = true;
            else if (name == "goto_table") _goto = (byte)FlowTextParser.Number(name, value, byte.MaxValue - 1);
            else if (name == "write_metadata") SetMetadata(value);
            else _apply.Add(Action(word));
        }

        // "drop" alone is what a flow without actions does, and an explicit drop counts as one.
    }

    private void SetMetadata(string value)
    {
        var (number, mask) = Pair(value, '/');
        _metadataMask = mask.Length == 0 ? ulong.MaxValue : FlowTextParser.Number("write_metadata mask", mask, ulong.MaxValue);
        if (_metadataMask == 0) throw new FormatException("write_metadata: the mask is zero");
        _metadata = FlowTextParser.Number("write_metadata", number, ulong.MaxValue) & _metadataMask;
    }

    private FlowAction Action(string word)
    {
        var (name, value) = Pair(word, ':');
        return name switch
        {
            "output" => FlowAction.Output(Port(value)),
            "drop" => FlowAction.Drop,
            "normal" => FlowAction.Output(ReservedPort.Normal),
            "flood" => FlowAction.Output(ReservedPort.Flood),
            "all" => FlowAction.Output(ReservedPort.All),
            "in_port" => FlowAction.Output(ReservedPort.InPort),
            "controller" => FlowAction.Output(ReservedPort.Controller, value.Length == 0 ? ushort.MaxValue
                : (ushort)FlowTextParser.Number("controller max_len", value, ushort.MaxValue)),
            "table" => FlowAction.Output(ReservedPort.Table),
            "set_field" => SetField(word, value),
            "push_vlan" => FlowAction.PushVlan((ushort)FlowTextParser.Number(name, value.Length == 0 ? "0x8100" : value, ushort.MaxValue)),
            "pop_vlan" => FlowAction.PopVlan,
            "dec_ttl" => FlowAction.DecTtl,
            _ => throw new FormatException($"'{word}': no such action; actions are output:PORT, drop, normal, flood, all, in_port, "
                + "controller, set_field:FIELD=VALUE, push_vlan:TPID, pop_vlan, dec_ttl, write_actions(...), clear_actions, "
                + "write_metadata:VALUE/MASK, goto_table:N"),
        };
    }

    private static FlowAction SetField(string word, string text)
    {
        var (name, value) = Pair(text, '=');
        var field = MatchFieldCatalogue.Find(name) ?? throw new FormatException($"'{word}': no field '{name}'");
        if (!field.Settable) throw new FormatException($"'{word}': field {name} cannot be set");
        return FlowAction.SetField(field.Id, FieldText.ParseValue(field, value));
    }

    private byte[] PortBytes(string text)
    {
        var port = Port(text);
        return [(byte)(port >> 24), (byte)(port >> 16), (byte)(port >> 8), (byte)port];
    }

    private uint Port(string text) => text switch
    {
        "normal" => ReservedPort.Normal,
        "flood" => ReservedPort.Flood,
        "all" => ReservedPort.All,
        "in_port" => ReservedPort.InPort,
        "controller" => ReservedPort.Controller,
        "table" => ReservedPort.Table,
        "any" => ReservedPort.Any,
        _ when uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
        _ => resolvePort?.Invoke(text) ?? throw new FormatException($"'{text}': no port of that name or number"),
    };

    private static (string Name, string Value) Pair(string word, char separator)
    {
        var at = word.IndexOf(separator, StringComparison.Ordinal);
        return at < 0 ? (word, "") : (word[..at], word[(at + 1)..]);
    }
}
