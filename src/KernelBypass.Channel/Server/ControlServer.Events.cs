using System.Runtime.InteropServices;
using System.Text.Json;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Server;

/// <summary>What the data plane tells by itself. Each returns false, and the caller counts, when nobody listens or the ring is
/// full.</summary>
public sealed partial class ControlServer
{
    private readonly byte[] _logBuffer = new byte[1 + LogRecord.MaxBytes];

    /// <summary>A flow left the tables by a timeout or was replaced.</summary>
    public bool TellFlowRemoved(in FlowRemovedEvent removed) => Tell(MessageType.FlowRemoved, Bytes(removed));

    /// <summary>A port changed. Allocates.</summary>
    public bool TellPort(PortEvent changed) =>
        DaemonAttached
            && Tell(MessageType.PortEvent, JsonSerializer.SerializeToUtf8Bytes(changed, ChannelJson.Default.PortEvent));

    /// <summary>A warning for the daemon's log.</summary>
    public bool TellLog(LogSeverity severity, ReadOnlySpan<char> text) =>
        DaemonAttached && Tell(MessageType.Log, _logBuffer.AsSpan(0, LogRecord.Encode(severity, text, _logBuffer)));

    /// <summary>A packet for the controller.</summary>
    public bool TellPacketIn(in PacketInRecord record, ReadOnlySpan<byte> data) =>
        Pass(MessageType.PacketIn, Bytes(record), data);

    /// <summary>A captured packet.</summary>
    public bool TellCapture(in CaptureRecord record, ReadOnlySpan<byte> data) =>
        Pass(MessageType.CaptureRecord, Bytes(record), data);

    /// <summary>A traced packet: the head's own <see cref="TraceRecordHead.DataBytes"/> of packet, then the steps as
    /// JSON.</summary>
    public bool TellTrace(in TraceRecordHead record, ReadOnlySpan<byte> dataAndSteps) =>
        Pass(MessageType.TraceRecord, Bytes(record), dataAndSteps);

    private bool Tell(MessageType type, ReadOnlySpan<byte> payload)
    {
        if (!DaemonAttached || !_events.HasRoom(EventRoom)) return false;
        _run.Flush();
        _dirty = true;
        return _events.TryWrite(type, MessageFlags.None, 0, payload);
    }

    private bool Pass(MessageType type, ReadOnlySpan<byte> head, ReadOnlySpan<byte> data)
    {
        if (!DaemonAttached) return false;
        _dirty = true;
        return _packets.TryWrite(type, MessageFlags.None, 0, head, data);
    }

    private static ReadOnlySpan<byte> Bytes<T>(in T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value));
}
