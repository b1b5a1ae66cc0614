using System.Text.Json;
using System.Threading.Channels;
using KernelBypass.Channel.Client;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Hosting;

namespace KernelBypass.Daemon.DataPlane;

/// <summary>A packet for controllers.</summary>
internal sealed record PacketInEvent(PacketInRecord Record, byte[] Data);

/// <summary>A captured packet.</summary>
internal sealed record CaptureEvent(CaptureRecord Record, byte[] Data);

/// <summary>A traced packet.</summary>
internal sealed record TraceEvent(TraceRecordHead Record, byte[] Data, ExplainAnswer Answer);

/// <summary>Hands on what the data plane tells by itself. Called on the channel's thread: copies, queues and returns.</summary>
internal sealed class DataPlaneEvents(int queue, ILogger<DataPlaneEvents> log) : IChannelEventHandler
{
    private ulong _packetInsMissed;

    /// <summary>Flows that left the tables by themselves.</summary>
    internal Channel<FlowRemovedEvent> Removals { get; } =
        System.Threading.Channels.Channel.CreateUnbounded<FlowRemovedEvent>(new() { SingleReader = true, SingleWriter = true });

    internal EventHub<PortEvent> Ports { get; } = new(queue);

    internal EventHub<PacketInEvent> PacketIns { get; } = new(queue);

    internal EventHub<CaptureEvent> Captures { get; } = new(queue);

    internal EventHub<TraceEvent> Traces { get; } = new(queue);

    /// <summary>Packet-ins that the data plane could not hand over, in all.</summary>
    internal ulong PacketInsMissed => Volatile.Read(ref _packetInsMissed);

    public void OnFlowRemoved(in FlowRemovedEvent removed) => Removals.Writer.TryWrite(removed);

    public void OnPort(PortEvent changed) => Ports.Publish(changed);

    public void OnPacketIn(in PacketInRecord record, ReadOnlySpan<byte> data)
    {
        Interlocked.Add(ref _packetInsMissed, record.Missed);
        if (PacketIns.HasSubscribers) PacketIns.Publish(new(record, data.ToArray()), record.Missed);
    }

    public void OnCapture(in CaptureRecord record, ReadOnlySpan<byte> data)
    {
        if (Captures.HasSubscribers) Captures.Publish(new(record, data.ToArray()));
    }

    public void OnTrace(in TraceRecordHead record, ReadOnlySpan<byte> data, ReadOnlySpan<byte> steps)
    {
        if (!Traces.HasSubscribers) return;
        var answer = JsonSerializer.Deserialize(steps, ChannelJson.Default.ExplainAnswer) ?? new();
        Traces.Publish(new(record, data.ToArray(), answer));
    }

    public void OnLog(LogSeverity severity, string text)
    {
        if (severity == LogSeverity.Error) log.DataPlaneError(text);
        else if (severity == LogSeverity.Warning) log.DataPlaneWarning(text);
        else log.DataPlaneInformation(text);
    }

    public void OnClosed(string reason) => log.ChannelClosed(reason);
}
