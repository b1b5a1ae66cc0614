using KernelBypass.DataPlane.Commands;

namespace KernelBypass.DataPlane.Switch;

/// <summary>
/// The main lcore's work: commands, timeouts, reclamation, packet-ins, statistics; and sleep when there is nothing. Allocates
/// nothing but
/// for cold commands.
/// </summary>
internal sealed class MainLoop
{
    private const int CommandsPerTurn = 1024;
    private const int SweepBudget = 8192;
    private const long RefreshNs = 100_000_000;
    private const int BusyWaitUs = 1000;
    private const long SecondNs = 1_000_000_000;

    private readonly SwitchRuntime _runtime;
    private readonly SwitchCommands _commands;
    private readonly PuntForwarder _punts;
    private RemovalForwarder _removals;
    private long _nextSweep;
    private long _nextRefresh;
    private long _nextEngineRefresh;
    private long _lastWork;

    internal MainLoop(SwitchRuntime runtime, SwitchCommands commands)
    {
        _runtime = runtime;
        _commands = commands;
        _punts = new PuntForwarder(runtime, commands.Probes);
        _removals = new RemovalForwarder(runtime);
    }

    /// <summary>Works until <see cref="SwitchCommands.StopRequested"/> or the token's end.</summary>
    internal void Run(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !_commands.StopRequested)
        {
            if (Turn())
            {
                _lastWork = _runtime.Clock.ElapsedNs;
                _runtime.Server.RingDaemon();
            }
            else
            {
                _runtime.Server.Wait(WaitUs());
            }
        }

        // What the workers have handed over is told before they stop, if that does not take too long.
        var deadline = _runtime.Clock.ElapsedNs + _commands.DrainMs * 1_000_000L;
        while (Turn() && _runtime.Clock.ElapsedNs < deadline)
        {
        }

        _runtime.Server.RingDaemon();
    }

    /// <summary>Where there was work within the last second more is likely: packet-ins do not ring, so they are looked for oftener.</summary>
    private int WaitUs()
    {
        var longest = _runtime.Config.Idle.MainWaitUs;
        return _runtime.Clock.ElapsedNs - _lastWork < SecondNs ? Math.Min(longest, BusyWaitUs) : longest;
    }

    /// <summary>One turn; false when there was nothing to do.</summary>
    internal bool Turn()
    {
        var runtime = _runtime;
        var work = runtime.Server.Poll(_commands, CommandsPerTurn);
        work += _punts.Forward();
        work += runtime.Macs.Maintain((uint)(runtime.Clock.ElapsedNs / SecondNs));
        work += runtime.Tables.Reclaim();
        work += Periodic(runtime.Clock.UnixNs);
        return work > 0;
    }

    private int Periodic(long now)
    {
        if (now >= _nextSweep)
        {
            _nextSweep = now + _runtime.Config.Limits.TimeoutSweepMs * 1_000_000L;
            var removed = _runtime.Tables.Sweep(now, ref _removals, SweepBudget);
            // A budget's worth may wait behind: go on at once.
            if (removed > 0) _nextSweep = now;
            if (removed > 0) _commands.PublishFlows();
        }

        if (now < _nextRefresh) return 0;
        _nextRefresh = now + RefreshNs;
        _runtime.Counters.Refresh(_runtime);
        _runtime.Engine.Ports.Refresh();
        _commands.TellPortNotices();
        _commands.Probes.Expire(now);
        if (now < _nextEngineRefresh) return 0;
        _nextEngineRefresh = now + SecondNs;
        _runtime.Engine.Refresh();
        return 0;
    }
}
