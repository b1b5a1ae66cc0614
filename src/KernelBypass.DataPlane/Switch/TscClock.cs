using KernelBypass.Dpdk;

namespace KernelBypass.DataPlane.Switch;

/// <summary>Turns the lcores' time stamps into Unix time.</summary>
internal sealed class TscClock(SteadyClock clock)
{
    /// <summary>Unix nanoseconds of a TSC value of the near past; now for 0.</summary>
    internal long UnixNs(ulong tsc)
    {
        var now = Tsc.Read();
        if (tsc == 0 || tsc > now) return clock.UnixNs;
        return clock.UnixNs - (long)((UInt128)(now - tsc) * 1_000_000_000 / Tsc.Frequency);
    }
}
