using KernelBypass.Channel.Client;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Tests;

/// <summary>Keeps what the data plane told.</summary>
internal sealed class RecordingEvents : IChannelEventHandler
{
    private readonly Lock _gate = new();
    private readonly List<string> _told = [];

    /// <summary>Everything told so far, one line each.</summary>
    internal List<string> Told
    {
        get
        {
            lock (_gate) return [.. _told];
        }
    }

    /// <summary>Waits until something told begins so.</summary>
    internal async Task<string> WaitFor(string start)
    {
        for (var i = 0; i < 1000; i++)
        {
            if (Told.Find(line => line.StartsWith(start, StringComparison.Ordinal)) is { } line) return line;
            await Task.Delay(10);
        }

        throw new TimeoutException($"nothing told that begins with '{start}'; told: {string.Join("; ", Told)}");
    }

    public void OnFlowRemoved(in FlowRemovedEvent removed) =>
        Add($"removed {removed.Flow.Slot} {removed.Reason} {removed.Packets} {removed.Missed}");

    public void OnPort(PortEvent changed) => Add($"port {changed.Kind} {changed.Port.Settings.Name}");

    public void OnPacketIn(in PacketInRecord record, ReadOnlySpan<byte> data) =>
        Add($"packet-in {record.InPort} {record.Reason} {data.Length}");

    public void OnCapture(in CaptureRecord record, ReadOnlySpan<byte> data) =>
        Add($"capture {record.CaptureId} {record.Point} {data.Length}");

    public void OnTrace(in TraceRecordHead record, ReadOnlySpan<byte> data, ReadOnlySpan<byte> steps) =>
        Add($"trace {record.TraceId} {data.Length} {steps.Length}");

    public void OnLog(LogSeverity severity, string text) => Add($"log {severity} {text}");

    public void OnClosed(string reason) => Add($"closed {reason}");

    private void Add(string line)
    {
        lock (_gate) _told.Add(line);
    }
}
