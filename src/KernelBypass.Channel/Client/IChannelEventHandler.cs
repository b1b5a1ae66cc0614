using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Client;

/// <summary>
/// What the data plane tells by itself. Called on the channel's thread, one call at a time: return quickly, and do not wait for a
/// command
/// here (its answer would come on this thread). Spans are valid during the call only. An exception closes the channel.
/// </summary>
public interface IChannelEventHandler
{
    /// <summary>A flow left the tables by a timeout.</summary>
    void OnFlowRemoved(in FlowRemovedEvent removed);

    /// <summary>A port changed.</summary>
    void OnPort(PortEvent changed);

    /// <summary>A packet for the controller.</summary>
    void OnPacketIn(in PacketInRecord record, ReadOnlySpan<byte> data);

    /// <summary>A captured packet.</summary>
    void OnCapture(in CaptureRecord record, ReadOnlySpan<byte> data);

    /// <summary>A traced packet; <paramref name="steps"/> is a JSON <see cref="ExplainAnswer"/>.</summary>
    void OnTrace(in TraceRecordHead record, ReadOnlySpan<byte> data, ReadOnlySpan<byte> steps);

    /// <summary>A warning of the data plane.</summary>
    void OnLog(LogSeverity severity, string text);

    /// <summary>The channel is closed: the data plane ended, or one side broke the protocol. Last call.</summary>
    void OnClosed(string reason);
}
