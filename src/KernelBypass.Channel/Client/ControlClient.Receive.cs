using System.Text.Json;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Client;

/// <summary>The channel's thread: completions and events.</summary>
public sealed partial class ControlClient
{
    private const int MaxPackets = 1024;

    private void Receive()
    {
        try
        {
            while (!_stopping && !_closed.Task.IsCompleted)
            {
                if (ReceiveEvents() + ReceivePackets() > 0) continue;
                if (CheckDataPlane() is { } gone)
                {
                    Close(gone);
                    return;
                }

                Sleep();
            }
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            Close(failure.Message);
        }
    }

    private int ReceiveEvents()
    {
        var count = 0;
        while (_events.TryRead(out var header, out var payload))
        {
            count++;
            if (header.Type >= MessageType.FlowRemoved)
                Raise(header.Type, payload);
            else if (
                _pending.TryGetValue(header.Correlation >> PendingCall.ItemBits, out var call) && call.Accept(header, payload))
                _pending.TryRemove(header.Correlation >> PendingCall.ItemBits, out _);
        }

        return count;
    }

    private int ReceivePackets()
    {
        var count = 0;
        while (count < MaxPackets && _packets.TryRead(out var header, out var payload))
        {
            count++;
            switch (header.Type)
            {
                case MessageType.PacketIn when PacketInRecord.TryDecode(payload, out var record, out var data):
                    _handler.OnPacketIn(record, data);
                    break;
                case MessageType.CaptureRecord when CaptureRecord.TryDecode(payload, out var record, out var data):
                    _handler.OnCapture(record, data);
                    break;
                case MessageType.TraceRecord when TraceRecordHead.TryDecode(payload, out var record, out var data, out var steps):
                    _handler.OnTrace(record, data, steps);
                    break;
                default:
                    throw new ChannelException($"the data plane sent a malformed packet record of type {header.Type}");
            }
        }

        return count;
    }

    private void Raise(MessageType type, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case MessageType.FlowRemoved when FlowRemovedEvent.TryDecode(payload, out var removed):
                _handler.OnFlowRemoved(removed);
                break;
            case MessageType.Log when LogRecord.TryDecode(payload, out var severity, out var text):
                _handler.OnLog(severity, text);
                break;
            case MessageType.PortEvent when JsonSerializer.Deserialize(payload, ChannelJson.Default.PortEvent) is { } changed:
                _handler.OnPort(changed);
                break;
            default:
                throw new ChannelException($"the data plane sent a malformed event of type {type}");
        }
    }

    private string? CheckDataPlane()
    {
        if ((_events.Fault ?? _packets.Fault ?? _commands.Fault ?? _packetOuts.Fault) is { } fault)
            return $"the data plane broke the channel's protocol: {fault}";
        if (Volatile.Read(ref _region.ClosedEpoch) == _epoch)
        {
            return "the data plane wants this process to attach anew: it broke the channel's protocol, "
                + "or flows changed handles; see the data plane's log";
        }

        if (_region.State == SharedMemory.DataPlaneState.Closed)
            return $"the data plane (pid {_region.DataPlanePid}) has stopped";
        return _dataPlaneLock.IsHeld ? null : $"the data plane (pid {_region.DataPlanePid}) ended";
    }

    private void Sleep()
    {
        Volatile.Write(ref _region.DaemonWaits, 1);
        Interlocked.MemoryBarrier();
        if (!_events.HasMessage && !_packets.HasMessage && !_stopping) _bell.Wait(SleepMicroseconds);
        Volatile.Write(ref _region.DaemonWaits, 0);
    }
}
