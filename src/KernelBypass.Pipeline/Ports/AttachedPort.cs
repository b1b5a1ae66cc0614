using KernelBypass.Dpdk;

namespace KernelBypass.Pipeline.Ports;

/// <summary>A port with its settings in force.</summary>
internal sealed class AttachedPort(
    PortSpec spec, Port device, PortConfiguration configuration, PortInfo info, PortCounters counters)
{
    internal PortSpec Spec { get; set; } = spec;

    internal Port Device { get; } = device;

    internal PortConfiguration Configuration { get; set; } = configuration;

    /// <summary>The settings that the device was last configured for.</summary>
    internal PortSpec ConfiguredFor { get; set; } = spec;

    internal PortInfo Info { get; } = info;

    internal PortCounters Counters { get; } = counters;

    /// <summary>Which lcore of the first chain polls queue 0; spreads ports of few queues over the lcores.</summary>
    internal int FirstLcore { get; set; }

    internal bool LinkUp { get; set; }

    /// <summary>It may be polled and sent to: started, and in the lcores' plans.</summary>
    internal bool InUse { get; set; }

    internal PortStatus Status()
    {
        var link = Device.State == PortState.Started ? Device.GetLink() : default;
        var offloads = Configuration.Offloads;
        return new PortStatus(
            Spec, link.IsUp, link.SpeedMegabits ?? 0, link.FullDuplex, Device.GetInfo().MacAddress, Device.Driver, Info.NumaNode,
            Info.MaxRxQueues, Info.MaxTxQueues, Names(offloads.Granted), Names(offloads.Missing));
    }

    private static string[] Names(PortOffload offloads) =>
    [
        .. Enum.GetValues<PortOffload>().Where(o => ulong.IsPow2((ulong)o) && (offloads & o) != 0)
            .Select(o => SnakeCase(o.ToString())),
    ];

    private static string SnakeCase(string name) =>
        string.Concat(name.Select((c, i) => (char.IsUpper(c) && i > 0 ? "_" : "") + char.ToLowerInvariant(c)));
}
