namespace KernelBypass.SwitchBench.Traffic;

/// <summary>Kinds of traffic.</summary>
internal enum TrafficKind
{
    /// <summary>Distinct UDP 5-tuples.</summary>
    Udp,

    /// <summary>The same, each with MAC addresses of its own.</summary>
    Macs,

    /// <summary>Packets that random ACL rules match.</summary>
    Acl,
}

/// <summary>What the packets are.</summary>
/// <param name="Kind">Kind of traffic.</param>
/// <param name="Flows">Distinct 5-tuples.</param>
/// <param name="Imix">IMIX sizes (7 x 64, 4 x 590, 1 x 1,514 bytes) instead of 64 bytes.</param>
internal sealed record TrafficShape(TrafficKind Kind, int Flows, bool Imix = false)
{
    internal string FileName => $"{Kind}-{Flows}{(Imix ? "-imix" : "")}.pcap";
}
