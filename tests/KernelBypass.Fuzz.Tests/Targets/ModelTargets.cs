using System.Text;
using KernelBypass.Fuzz.Tests.Harness;
using KernelBypass.Model.Flows;
using KernelBypass.Model.Text;

namespace KernelBypass.Fuzz.Tests.Targets;

/// <summary>Flows as the data plane reads them from shared memory, and as people write them.</summary>
internal static class ModelTargets
{
    private static readonly string[] s_flows =
    [
        "actions=drop",
        "table=0,priority=100,ip,ipv4_dst=10.0.0.0/8 actions=set_field:eth_dst=02:00:00:00:00:01,dec_ttl,output:2",
        "table=3,priority=7,cookie=0xabc,idle_timeout=5,hard_timeout=9,send_flow_removed,tcp,tcp_dst=80 actions=output:1",
        "udp6,udp_src=53,ipv6_src=2001:db8::/32 actions=goto_table:5,write_metadata:0x12/0xff",
        "arp,in_port=3 actions=flood",
        "icmp,icmpv4_type=8 actions=controller:128",
        "vlan,vlan_pcp=5 actions=pop_vlan,output:4",
        "eth_dst=01:00:00:00:00:00/01:00:00:00:00:00 actions=push_vlan:0x8100,set_field:vlan_vid=0x1064,normal",
        "icmp6,icmpv6_type=135 actions=write_actions(dec_ttl,output:9),clear_actions,goto_table:7",
    ];

    private static readonly byte[][] s_words =
    [
        .. new[]
        {
            "table=", "priority=", "ip,", "tcp,", "udp6,", "vlan,", "actions=", "drop", "output:", "set_field:", "goto_table:",
            "write_actions(", ")", "/", "0x", ",", "=", ":", "65535", "4294967295", "metadata=", "ipv6_dst=", "eth_type=",
            "in_port=", "controller:", "normal",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    internal static IReadOnlyList<byte[]> Flows { get; } = [.. s_flows.Select(f => FlowTextParser.Parse(f).Encode())];

    internal static IReadOnlyList<byte[]> Texts { get; } = [.. s_flows.Select(Encoding.ASCII.GetBytes)];

    /// <summary>The decoder never throws; a flow that it takes is the same after it is encoded anew, and can be worded.</summary>
    internal static FuzzTarget Codec { get; } = new("flow-codec", Flows, Tokens(), 80_000, input =>
    {
        FlowKey key = default, mask = default;
        FlowSpecError error = FlowSpecDecoder.TryDecode(input, FlowLimits.Default, out _, ref key, ref mask);
        WireTargets.Require(error.Describe().Length > 0, "an error has no words");
        if (!error.IsOk)
            return ((ulong)error.Code << 16) + (ulong)error.Field;
        ReadOnlySpan<ulong> keyWords = key, maskWords = mask;
        for (int i = 0; i < keyWords.Length; i++)
            WireTargets.Require((keyWords[i] & ~maskWords[i]) == 0, "the key has bits outside its mask");
        FlowSpec flow = FlowSpec.Decode(input);
        byte[] again = flow.Encode();
        FlowKey key2 = default, mask2 = default;
        error = FlowSpecDecoder.TryDecode(again, FlowLimits.Default, out _, ref key2, ref mask2);
        WireTargets.Require(error.IsOk, "not taken again");
        WireTargets.Require(keyWords.SequenceEqual(key2) && maskWords.SequenceEqual(mask2), "the key differs");
        WireTargets.Require(FlowSpec.Decode(again).Encode().AsSpan().SequenceEqual(again), "encoding is not stable");
        return FuzzPath.OfShape(FlowTextFormatter.Format(flow));
    });

    /// <summary>
    /// The text parser throws <see cref="FormatException"/> alone; a flow that it takes reads the same after formatting.
    /// </summary>
    internal static FuzzTarget FlowText { get; } = new("flow-text", Texts, s_words, 20_000, input =>
    {
        string text = Encoding.Latin1.GetString(input);
        try
        {
            FlowSpec flow = FlowTextParser.Parse(text);
            string formatted = FlowTextFormatter.Format(flow);
            FlowSpec again = FlowTextParser.Parse(formatted);
            WireTargets.Require(FlowTextFormatter.Format(again) == formatted, $"'{formatted}' does not read as itself");
            return FuzzPath.OfShape(formatted);
        }
        catch (FormatException error)
        {
            // The words after what was quoted of the input.
            return FuzzPath.OfShape(error.Message.AsSpan(error.Message.AsSpan().LastIndexOfAny(":'=") + 1));
        }
    }, MaxLength: 512);

    private static List<byte[]> Tokens()
    {
        var tokens = new List<byte[]>();
        foreach (MatchFieldDeclaration field in MatchFieldCatalogue.All)
        {
            tokens.Add([(byte)field.Id, 0, .. new byte[field.ValueBytes]]);
            tokens.Add([(byte)field.Id, 1, .. new byte[field.ValueBytes], .. Enumerable.Repeat((byte)0xFF, field.ValueBytes)]);
        }
        foreach (ActionKind kind in Enum.GetValues<ActionKind>())
            tokens.Add([(byte)kind, 0]);
        tokens.Add(FlowAction.Output(1).Payload);
        return tokens;
    }
}
