namespace KernelBypass.Channel.Messages;

/// <summary>How a port is to be: units and limits as in proto's PortConfig.</summary>
public sealed record PortSettings
{
    public string Name { get; set; } = "";

    /// <summary>1 to 65,279; 0: the next free.</summary>
    public uint Number { get; init; }

    /// <summary>PCI address or vdev with arguments.</summary>
    public string Device { get; set; } = "";

    /// <summary>0: the default, one for each worker lcore.</summary>
    public uint RxQueues { get; init; }
    public uint TxQueues { get; init; }

    /// <summary>0: the default, 1,024.</summary>
    public uint RxDescriptors { get; init; }
    public uint TxDescriptors { get; init; }

    /// <summary>Layer 3 bytes; 0: 1,500.</summary>
    public uint Mtu { get; init; }
    public bool Promiscuous { get; init; }
    public bool Allmulticast { get; init; }

    /// <summary>aa:bb:cc:dd:ee:ff; empty: the device's own.</summary>
    public string Mac { get; set; } = "";
    public bool NoFlood { get; init; }
    public bool AdminDown { get; init; }
}

/// <summary>A port as it stands: the settings in force (no zeros) and what the device says.</summary>
public sealed record PortDescription
{
    public PortSettings Settings { get; set; } = new();
    public bool LinkUp { get; init; }

    /// <summary>0 unknown.</summary>
    public uint SpeedMbps { get; init; }
    public bool FullDuplex { get; init; }
    public string Mac { get; set; } = "";
    public string Driver { get; set; } = "";
    public int NumaNode { get; init; }
    public uint MaxRxQueues { get; init; }
    public uint MaxTxQueues { get; init; }
    public IReadOnlyList<string> HardwareOffloads { get; set; } = [];
    public IReadOnlyList<string> SoftwareOffloads { get; set; } = [];
}

/// <summary>Names a port by its name, or by its number in decimal.</summary>
public sealed record PortReference(string Port);

/// <summary>Changes to a port; null leaves a setting as it is.</summary>
public sealed record PortChange
{
    public string Port { get; set; } = "";
    public uint? Mtu { get; init; }
    public bool? Promiscuous { get; init; }
    public bool? Allmulticast { get; init; }
    public string? Mac { get; init; }
    public bool? NoFlood { get; init; }
    public bool? AdminDown { get; init; }
}

/// <summary>All ports.</summary>
public sealed record PortList(IReadOnlyList<PortDescription> Ports);

/// <summary>The driver's own statistics.</summary>
public sealed record PortXStatsAnswer(IReadOnlyDictionary<string, ulong> XStats);

/// <summary>What happened to a port.</summary>
public enum PortEventKind
{
    Attached = 2,
    Detached = 3,
    LinkUp = 4,
    LinkDown = 5,
    Changed = 6,
}

/// <summary>A port changed.</summary>
public sealed record PortEvent(PortEventKind Kind, PortDescription Port);
