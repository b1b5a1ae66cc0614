namespace KernelBypass.Dpdk;

/// <summary>What happened to a port (enum rte_eth_event_type, the part that concerns a switch).</summary>
public enum PortEventKind
{
    /// <summary>The link is not as it was since Start or the last such event: see <see cref="Port.GetLink"/>.</summary>
    Link = 1,

    /// <summary>The device is gone.</summary>
    Removed = 2,

    /// <summary>The device was reset and must be stopped and started again.</summary>
    Reset = 3,

    /// <summary>The driver is recovering the device; do not configure it now.</summary>
    Recovering = 4,

    /// <summary>The driver has recovered the device.</summary>
    RecoverySucceeded = 5,

    /// <summary>The driver could not recover the device: close it.</summary>
    RecoveryFailed = 6,
}

/// <summary>An event of a port.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="PortId">DPDK's number of the port.</param>
public readonly record struct PortEvent(PortEventKind Kind, ushort PortId);
