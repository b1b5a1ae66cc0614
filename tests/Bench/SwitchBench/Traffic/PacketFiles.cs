using KernelBypass.Wire;

namespace KernelBypass.SwitchBench.Traffic;

/// <summary>Writes the packets of a traffic, one a flow, in random order (replayable: the seed is fixed).</summary>
internal static class PacketFiles
{
    private static readonly int[] s_imix = [64, 590, 64, 64, 590, 64, 1514, 64, 590, 64, 64, 590];

    internal static void Write(string path, TrafficShape shape)
    {
        var order = Enumerable.Range(0, shape.Flows).ToArray();
        var random = new Random(1);
        if (shape.Flows > 64) random.Shuffle(order);
        using var writer = new PcapWriter(File.Create(path));
        var number = 0;
        foreach (var flow in order)
        {
            var size = shape.Imix ? s_imix[number % s_imix.Length] : 64;
            writer.Write(number++ * 1000L, Frame(shape.Kind, flow, size));
        }
    }

    private static byte[] Frame(TrafficKind kind, int flow, int size)
    {
        if (kind == TrafficKind.Acl) return AclRules.Frame(flow);
        var tuple = FiveTuple.OfFlow(flow);
        var (destination, source) = kind == TrafficKind.Macs ? (Mac(2, flow), Mac(1, flow)) : ("02:00:00:00:01:00", "02:00:00:00:00:01");
        return FrameBuilder.Ethernet(destination, source)
            .Ipv4(tuple.Source, tuple.Destination)
            .Udp(tuple.SourcePort, tuple.DestinationPort)
            .PayloadLength(size - 42)
            .Build();
    }

    /// <summary>MAC address number <paramref name="flow"/> of one side.</summary>
    internal static string Mac(int side, int flow) => $"02:00:{side:x2}:{(flow >> 16) & 255:x2}:{(flow >> 8) & 255:x2}:{flow & 255:x2}";
}
