using KernelBypass.Channel.Messages;

namespace KernelBypass.DataPlane.Commands;

/// <summary>A capture that runs: its taps, each with a number of its own, and its limits.</summary>
internal sealed class RunningCapture(uint id, CaptureRequest request, long deadlineNs)
{
    private readonly Dictionary<int, (CapturePoint Point, ushort Stage)> _taps = [];
    private ulong _left = request.MaxPackets == 0 ? ulong.MaxValue : request.MaxPackets;
    private ulong _missedSeen;
    private ulong _missed;

    internal uint Id { get; } = id;

    /// <summary>When it ends, on the steady clock; <see cref="long.MaxValue"/>: when stopped.</summary>
    internal long DeadlineNs { get; } = deadlineNs;

    internal IEnumerable<int> Taps => _taps.Keys;

    internal bool IsComplete => _left == 0;

    internal void AddTap(int tap, CapturePoint point, ushort stage) => _taps[tap] = (point, stage);

    /// <summary>Counts a packet against the limit.</summary>
    internal void Count() => _left--;

    internal CapturePoint PointOf(int tap, bool outbound)
    {
        var point = _taps[tap].Point;
        return point == CapturePoint.PortRx && outbound ? CapturePoint.PortTx : point;
    }

    internal ushort StageOf(int tap) => _taps[tap].Stage;

    /// <summary>Packets missed since the last record: by the lcores (a running total) and by the channel.</summary>
    internal ulong TakeMissed(ulong lcoreTotal)
    {
        var missed = _missed + (lcoreTotal > _missedSeen ? lcoreTotal - _missedSeen : 0);
        _missedSeen = Math.Max(_missedSeen, lcoreTotal);
        _missed = 0;
        return missed;
    }

    internal void AddMissed(ulong packets) => _missed += packets;
}
