using System.Globalization;
using KernelBypass.Model.Flows;

namespace KernelBypass.Model.Text;

/// <summary>
/// Reads flows in the syntax of kbctl and of static flows in YAML:
/// <c>table=0,priority=100,ip,ipv4_dst=10.0.0.0/8 actions=set_field:eth_dst=02:00:00:00:00:01,dec_ttl,output:2</c>.
/// </summary>
/// <remarks>
/// Fields have their OXM names. Short for prerequisites: ip, ipv6, arp, tcp, udp, icmp, tcp6, udp6, icmp6, vlan, untagged.
/// Actions: output:PORT, drop, normal, flood, all, in_port, controller[:MAX_LEN], set_field:FIELD=VALUE, push_vlan:TPID, pop_vlan,
/// dec_ttl, write_actions(...), clear_actions, write_metadata:VALUE[/MASK], goto_table:N.
/// </remarks>
public static class FlowTextParser
{
    private static readonly Dictionary<string, string> s_short = new(StringComparer.Ordinal)
    {
        ["ip"] = "eth_type=0x0800",
        ["ipv6"] = "eth_type=0x86dd",
        ["arp"] = "eth_type=0x0806",
        ["tcp"] = "eth_type=0x0800,ip_proto=6",
        ["udp"] = "eth_type=0x0800,ip_proto=17",
        ["icmp"] = "eth_type=0x0800,ip_proto=1",
        ["tcp6"] = "eth_type=0x86dd,ip_proto=6",
        ["udp6"] = "eth_type=0x86dd,ip_proto=17",
        ["icmp6"] = "eth_type=0x86dd,ip_proto=58",
        ["vlan"] = "vlan_vid=0x1000/0x1000",
        ["untagged"] = "vlan_vid=0",
    };

    /// <summary>Reads a flow.</summary>
    /// <param name="text">The flow on one line.</param>
    /// <param name="resolvePort">Turns a port's name into its number, or null; numbers are always understood.</param>
    /// <exception cref="FormatException">The message names the word that is wrong and what is expected.</exception>
    public static FlowSpec Parse(string text, Func<string, uint?>? resolvePort = null)
    {
        var (head, actions) = SplitActions(text);
        var draft = new FlowDraft(resolvePort);
        foreach (var word in Words(head)) draft.AddWord(word);
        if (actions is null) throw new FormatException("a flow needs actions=...; say actions=drop to drop");
        draft.AddActions(actions);
        return draft.Build();
    }

    /// <summary>Reads a match alone ("ip,ipv4_dst=10.0.0.0/8"), for filters.</summary>
    /// <exception cref="FormatException">The message names the word that is wrong.</exception>
    public static IReadOnlyList<MatchItem> ParseMatch(string text, Func<string, uint?>? resolvePort = null)
    {
        var draft = new FlowDraft(resolvePort);
        foreach (var word in Words(text)) draft.AddMatch(word);
        return draft.Match;
    }

    /// <summary>Reads an action list alone, for packet-out.</summary>
    /// <exception cref="FormatException">The message names the action that is wrong.</exception>
    public static IReadOnlyList<FlowAction> ParseActions(string text, Func<string, uint?>? resolvePort = null)
    {
        var draft = new FlowDraft(resolvePort);
        draft.AddActions(text);
        return draft.Apply;
    }

    /// <summary>Reads a number, decimal or hexadecimal.</summary>
    /// <exception cref="FormatException">It is none, or above the maximum.</exception>
    internal static ulong Number(string name, string text, ulong maximum)
    {
        var hex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var ok = hex
            ? ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
        return ok && value <= maximum ? value : throw new FormatException($"{name}={text}: expected a number from 0 to {maximum}");
    }

    /// <summary>Splits at commas and spaces outside parentheses; short words become what they stand for.</summary>
    internal static IEnumerable<string> Words(string text) =>
        Split(text).SelectMany(word => s_short.TryGetValue(word, out var longer) ? longer.Split(',') : [word]);

    /// <summary>Splits at commas and spaces outside parentheses.</summary>
    internal static IEnumerable<string> Split(string text)
    {
        var depth = 0;
        var start = 0;
        for (var i = 0; i <= text.Length; i++)
        {
            var end = i == text.Length || (depth == 0 && (text[i] == ',' || char.IsWhiteSpace(text[i])));
            if (end)
            {
                if (i > start) yield return text[start..i];
                start = i + 1;
            }
            else if (text[i] == '(')
            {
                depth++;
            }
            else if (text[i] == ')')
            {
                depth--;
            }
        }
    }

    private static (string Head, string? Actions) SplitActions(string text)
    {
        const string Key = "actions=";
        var at = text.IndexOf(Key, StringComparison.Ordinal);
        return at < 0 ? (text, null) : (text[..at], text[(at + Key.Length)..]);
    }
}
