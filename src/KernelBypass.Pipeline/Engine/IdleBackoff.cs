using System.Runtime.InteropServices;
using KernelBypass.Dpdk;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// What an lcore does when it finds nothing: it polls on, then pauses between polls, then sleeps, each time twice as long, up to
/// the bound. The first packet starts it over.
/// </summary>
internal unsafe struct IdleBackoff
{
    private const int SetTimerSlack = 29; // PR_SET_TIMERSLACK
    private const int PausesPerTurn = 16;
    private const long FirstSleepNs = 4_000;

    private readonly ulong _spinCycles;
    private readonly ulong _pauseCycles;
    private readonly long _maxSleepNs;
    private ulong _idleSince;
    private long _sleepNs;

    internal IdleBackoff(EngineOptions options)
    {
        var cyclesPerMicrosecond = Tsc.Frequency / 1_000_000;
        _spinCycles = (ulong)options.IdleSpinMicroseconds * cyclesPerMicrosecond;
        _pauseCycles = _spinCycles + ((ulong)options.IdlePauseMicroseconds * cyclesPerMicrosecond);
        _maxSleepNs = options.MaxSleepMicroseconds * 1000L;
        _sleepNs = FirstSleepNs;
    }

    /// <summary>Lets short sleeps of the calling thread be short: the kernel's default slack is 50 us.</summary>
    internal static void RemoveTimerSlack() => _ = prctl(SetTimerSlack, 1, 0, 0, 0);

    /// <summary>Packets came.</summary>
    internal void Reset()
    {
        _idleSince = 0;
        _sleepNs = FirstSleepNs;
    }

    /// <summary>A turn found nothing. Returns how many nanoseconds to sleep; 0: poll again.</summary>
    internal long Next(ulong now)
    {
        if (_idleSince == 0) _idleSince = now;
        var idle = now - _idleSince;
        if (idle < _spinCycles) return 0;
        if (idle < _pauseCycles || _maxSleepNs == 0)
        {
            for (var i = 0; i < PausesPerTurn; i++) Lcore.Pause();
            return 0;
        }

        var sleep = Math.Min(_sleepNs, _maxSleepNs);
        _sleepNs = sleep * 2;
        return sleep;
    }

    /// <summary>Sleeps; a signal may end it early.</summary>
    internal static void Sleep(long nanoseconds)
    {
        var time = new TimeSpec { Seconds = 0, Nanoseconds = nanoseconds };
        _ = nanosleep(&time, null);
    }

    [DllImport("libc")]
    private static extern int nanosleep(TimeSpec* request, TimeSpec* remaining);

    [DllImport("libc")]
    private static extern int prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
