using KernelBypass.Channel.Messages;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Capture;
using ChannelPoint = KernelBypass.Channel.Messages.CapturePoint;
using TapPoint = KernelBypass.Pipeline.Capture.CapturePoint;

namespace KernelBypass.DataPlane.Commands;

/// <summary>The captures and traces that run, with their limits. Used by the main lcore.</summary>
internal sealed class ProbeRegister(SwitchRuntime runtime)
{
    private const uint DefaultTracePackets = 100;
    private const uint MaxTracePackets = 10_000;
    private const string Drops = "drops";

    private readonly Dictionary<int, RunningCapture> _byTap = [];
    private readonly Dictionary<uint, (uint Left, long DeadlineNs)> _traces = [];
    private int _lastTap;
    private uint _lastId;

    /// <summary>Starts a capture: a tap for each port and direction, and for each stage.</summary>
    internal CaptureStarted StartCapture(CaptureRequest request)
    {
        var filter = FilterOf(request.Match);
        var capture = new RunningCapture(++_lastId, request, Deadline(request.DurationMs));
        try
        {
            uint[] ports = request.Ports.Count == 0 && request.Stages.Count == 0 ? [0] : [.. request.Ports];
            foreach (var port in ports)
            {
                if (request.Receive) Tap(
                    capture, new(0, TapPoint.Receive, port, null, request.SnapLength, filter), ChannelPoint.PortRx, 0);
                if (request.Transmit) Tap(
                    capture, new(0, TapPoint.Transmit, port, null, request.SnapLength, filter), ChannelPoint.PortTx, 0);
            }

            foreach (var stage in request.Stages)
            {
                if (stage == Drops)
                    Tap(capture, new(0, TapPoint.Drops, 0, null, request.SnapLength, filter), ChannelPoint.Drop, 0);
                else
                    Tap(capture, new(0, TapPoint.Stage, 0, stage, request.SnapLength, filter), ChannelPoint.Stage,
                        PlaceOf(stage));
            }
        }
        catch
        {
            Stop(capture);
            throw;
        }

        if (!capture.Taps.Any()) throw new CommandException(
            CommandErrorCode.InvalidArgument, "the capture wants neither receive nor transmit");
        return new CaptureStarted(capture.Id);
    }

    /// <summary>Ends a capture; one that has ended by itself is no error.</summary>
    internal void StopCapture(uint id)
    {
        foreach (var capture in _byTap.Values.Distinct().Where(capture => capture.Id == id).ToArray()) Stop(capture);
    }

    /// <summary>Starts a trace.</summary>
    internal TraceStarted StartTrace(TraceRequest request)
    {
        if (request.MaxPackets > MaxTracePackets)
            throw new CommandException(
                CommandErrorCode.InvalidArgument, $"max_packets is {request.MaxPackets}: at most {MaxTracePackets}");
        runtime.Engine.AddTrace(new TraceFilter(++_lastId, FilterOf(request.Match)));
        _traces[_lastId] = (request.MaxPackets == 0 ? DefaultTracePackets : request.MaxPackets, Deadline(request.DurationMs));
        return new TraceStarted(_lastId);
    }

    /// <summary>Ends a trace; one that has ended by itself is no error.</summary>
    internal void StopTrace(uint id)
    {
        if (_traces.Remove(id)) _ = runtime.Engine.RemoveTrace(id);
    }

    /// <summary>Counts a captured packet; false when its capture has ended.</summary>
    internal bool TryCount(uint tap, out RunningCapture capture)
    {
        if (!_byTap.TryGetValue((int)tap, out capture!)) return false;
        if (capture.IsComplete)
        {
            Stop(capture);
            return false;
        }

        capture.Count();
        return true;
    }

    /// <summary>Counts a traced packet; false when its trace has ended.</summary>
    internal bool TryCountTrace(uint id)
    {
        if (!_traces.TryGetValue(id, out var trace)) return false;
        if (trace.Left == 0)
        {
            StopTrace(id);
            return false;
        }

        _traces[id] = (trace.Left - 1, trace.DeadlineNs);
        return true;
    }

    /// <summary>Ends what has lasted long enough. Allocates nothing while nothing ends.</summary>
    internal void Expire(long nowNs)
    {
        foreach (var capture in _byTap.Values)
        {
            if (capture.DeadlineNs > nowNs && !capture.IsComplete) continue;
            Stop(capture);
            break;
        }

        foreach (var (id, trace) in _traces)
        {
            if (trace.DeadlineNs > nowNs && trace.Left > 0) continue;
            StopTrace(id);
            break;
        }
    }

    /// <summary>Nobody listens any more.</summary>
    internal void StopAll()
    {
        foreach (var capture in _byTap.Values.Distinct().ToArray()) Stop(capture);
        foreach (var id in _traces.Keys.ToArray()) StopTrace(id);
    }

    private void Tap(RunningCapture capture, CaptureTap tap, ChannelPoint point, ushort stage)
    {
        var id = ++_lastTap;
        runtime.Engine.AddTap(tap with { Id = id });
        capture.AddTap(id, point, stage);
        _byTap[id] = capture;
    }

    private void Stop(RunningCapture capture)
    {
        foreach (var tap in capture.Taps)
        {
            _ = runtime.Engine.RemoveTaps(tap);
            _byTap.Remove(tap);
        }
    }

    private ushort PlaceOf(string stage)
    {
        for (var i = 0; i < runtime.Engine.Stages.Count; i++)
            if (runtime.Engine.Stages[i].Name == stage) return (ushort)i;
        throw new CommandException(
            CommandErrorCode.InvalidArgument,
                $"there is no stage '{stage}'; there are {string.Join(", ", runtime.Engine.Stages.Select(s => s.Name))}, "
                    + Drops);
    }

    private long Deadline(ulong durationMs) =>
        durationMs == 0 ? long.MaxValue : runtime.Clock.UnixNs + (long)Math.Min(durationMs, 1_000_000_000) * 1_000_000;

    private static KeyFilter? FilterOf(byte[] match)
    {
        if (match.Length == 0) return null;
        FlowKey key = default, mask = default;
        var error = FlowSpecDecoder.DecodeMatch(match, ref key, ref mask);
        return error.IsOk ? new KeyFilter(key, mask)
            : throw new CommandException(CommandErrorCode.InvalidArgument, error.Describe());
    }
}
