using KernelBypass.Channel.Client;
using KernelBypass.Channel.Messages;

namespace KernelBypass.DataPlane.Tests;

/// <summary>Keeps what the data plane told, one line each.</summary>
internal sealed class SilentEvents : IChannelEventHandler
{
    private readonly Lock _gate = new();
    private readonly List<string> _told = [];

    internal List<string> Told
    {
        get
        {
            lock (_gate) return [.. _told];
        }
    }

    internal async Task<string> WaitFor(string start)
    {
        for (var i = 0; i < 1000; i++)
        {
            if (Told.Find(line => line.StartsWith(start, StringComparison.Ordinal)) is { } line) return line;
            await Task.Delay(10);
        }

        throw new TimeoutException($"nothing told that begins with '{start}'; told: {string.Join("; ", Told)}");
    }

    public void OnFlowRemoved(in FlowRemovedEvent removed) => Add($"removed {removed.Reason} {removed.Cookie}");

    public void OnPort(PortEvent changed) => Add($"port {changed.Kind} {changed.Port.Settings.Name}");

    public void OnPacketIn(in PacketInRecord record, ReadOnlySpan<byte> data) =>
        Add($"packet-in {record.InPort} {record.Reason} {record.Cookie} {data.Length}/{record.TotalLength}");

    public void OnCapture(in CaptureRecord record, ReadOnlySpan<byte> data) =>
        Add($"capture {record.Point} {record.Port} {data.Length}");

    public void OnTrace(in TraceRecordHead record, ReadOnlySpan<byte> data, ReadOnlySpan<byte> steps) =>
        Add($"trace {record.InPort} {data.Length} {System.Text.Encoding.UTF8.GetString(steps)}");

    public void OnLog(LogSeverity severity, string text) => Add($"log {text}");

    public void OnClosed(string reason) => Add($"closed {reason}");

    private void Add(string line)
    {
        lock (_gate) _told.Add(line);
    }
}
