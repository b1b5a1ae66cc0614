namespace KernelBypass.SwitchBench.Traffic;

/// <summary>The UDP 5-tuple of a numbered flow.</summary>
internal sealed record FiveTuple(string Source, string Destination, ushort SourcePort, ushort DestinationPort)
{
    internal static FiveTuple OfFlow(int flow)
    {
        // Knuth's multiplicative hash spreads destinations over a /24.
        var host = (uint)flow * 2654435761u >> 24;
        return new(
            $"10.{(flow >> 16) & 255}.{(flow >> 8) & 255}.{flow & 255}",
            $"198.18.1.{host}",
            (ushort)(1024 + (long)flow * 7919 % 60000),
            (ushort)(2000 + flow % 7));
    }

    /// <summary>An exact rule for Open vSwitch.</summary>
    internal static string OvsRule(int flow)
    {
        var t = OfFlow(flow);
        return $"priority=100,udp,in_port=1,nw_src={t.Source},nw_dst={t.Destination},tp_src={t.SourcePort},tp_dst={t.DestinationPort},actions=output:2";
    }

    /// <summary>The same rule for kbctl; with <paramref name="rewrite"/> it also rewrites MACs and TTL.</summary>
    internal static string OurRule(int flow, bool rewrite = false)
    {
        var t = OfFlow(flow);
        var actions = rewrite ? "set_field:eth_dst=02:00:00:00:02:02,set_field:eth_src=02:00:00:00:02:01,dec_ttl,output:2" : "output:2";
        return $"priority=100,in_port=1,udp,ipv4_src={t.Source},ipv4_dst={t.Destination},udp_src={t.SourcePort},udp_dst={t.DestinationPort}"
            + $" actions={actions}";
    }
}
