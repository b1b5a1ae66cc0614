namespace Grpc.Protocol;

/// <summary>Calls back once when a point in time has come, however far away it is.</summary>
internal sealed class DeadlineTimer : IDisposable
{
    // A Timer counts up to 49 days.
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(40);

    private readonly DateTime _deadline;
    private readonly Action _expired;
    private readonly Timer _timer;

    /// <param name="deadline">In UTC.</param>
    /// <param name="expired">Called on the thread pool.</param>
    public DeadlineTimer(DateTime deadline, Action expired)
    {
        _deadline = deadline;
        _expired = expired;
        _timer = new Timer(static t => ((DeadlineTimer)t!).Tick(), this, Timeout.Infinite, Timeout.Infinite);
        Arm(deadline - DateTime.UtcNow);
    }

    public void Dispose() => _timer.Dispose();

    private void Tick()
    {
        var remaining = _deadline - DateTime.UtcNow;
        if (remaining > TimeSpan.Zero)
            Arm(remaining);
        else
            _expired();
    }

    private void Arm(TimeSpan remaining)
    {
        // Whole milliseconds, rounded up so that it is not early.
        double due = Math.Ceiling(Math.Clamp(remaining.TotalMilliseconds, 0, s_longest.TotalMilliseconds));
        try
        {
            _timer.Change((long)due, Timeout.Infinite);
        }
        catch (ObjectDisposedException)
        {
            // The call ended meanwhile.
        }
    }
}
