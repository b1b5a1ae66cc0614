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

    private readonly long _spinPolls;
    private readonly long _pausePolls;
    private readonly long _maxSleepNs;
    private long _polls;
    private long _sleepNs;

    internal IdleBackoff(EngineOptions options)
    {
        _spinPolls = options.IdleSpinPolls;
        _pausePolls = _spinPolls + options.IdlePausePolls;
        _maxSleepNs = options.MaxSleepMicroseconds * 1000L;
        _sleepNs = FirstSleepNs;
    }

    /// <summary>Lets short sleeps of the calling thread be short: the kernel's default slack is 50 us.</summary>
    internal static void RemoveTimerSlack() => _ = prctl(SetTimerSlack, 1, 0, 0, 0);

    /// <summary>Packets came.</summary>
    internal void Reset()
    {
        _polls = 0;
        _sleepNs = FirstSleepNs;
    }

    /// <summary>A turn found nothing. Returns how many nanoseconds to sleep; 0: poll again.</summary>
    internal long Next()
    {
        _polls++;
        if (_polls <= _spinPolls) return 0;
        if (_polls <= _pausePolls || _maxSleepNs == 0)
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
        var time = new TimeSpec { Seconds = nanoseconds / 1_000_000_000, Nanoseconds = nanoseconds % 1_000_000_000 };
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
