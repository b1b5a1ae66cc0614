using System.Diagnostics;

namespace KernelBypass.DataPlane.Switch;

/// <summary>Unix time that never jumps: the wall clock at start, plus what has passed since.</summary>
internal sealed class SteadyClock
{
    private readonly long _startUnixNs = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks * 100;
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Nanoseconds.</summary>
    internal long UnixNs => _startUnixNs + ElapsedNs;

    /// <summary>Nanoseconds since the process started.</summary>
    internal long ElapsedNs => (long)((Int128)(Stopwatch.GetTimestamp() - _start) * 1_000_000_000 / Stopwatch.Frequency);
}
