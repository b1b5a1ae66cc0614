using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Client;

/// <summary>Writing commands and waiting for their answers.</summary>
public sealed partial class ControlClient
{
    /// <summary>Items that one call may have.</summary>
    public const int MaxItems = (1 << PendingCall.ItemBits) - 2;

    /// <summary>Carries out flow commands, each by itself, in order.</summary>
    /// <returns>One result for each command, in order; failures are results, not exceptions.</returns>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    /// <exception cref="ChannelException">The channel is closed.</exception>
    public async Task<FlowResult[]> WriteFlowsAsync(FlowCommandBuffer commands, CancellationToken cancellation = default)
    {
        if (commands.Count == 0) return [];
        CheckCount(commands);
        var pending = new PendingFlows(commands.Count);
        var call = Register(pending);
        try
        {
            await WriteAsync(commands, call, atomic: false, cancellation).ConfigureAwait(false);
            return await Answer(pending.Task, _options.CommandTimeout, "flow commands", cancellation).ConfigureAwait(false);
        }
        finally
        {
            _pending.TryRemove(call, out _);
        }
    }

    /// <summary>Carries out flow commands, all or none.</summary>
    /// <exception cref="TimeoutException">No answer in time.</exception>
    /// <exception cref="ChannelException">The channel is closed.</exception>
    public async Task<FlowBatchOutcome> WriteFlowsAtomicallyAsync(
        FlowCommandBuffer commands, CancellationToken cancellation = default)
    {
        if (commands.Count == 0) return new([], -1, FlowResult.Stands(0, 0));
        CheckCount(commands);
        var pending = new PendingBatch(commands.Count);
        var call = Register(pending);
        try
        {
            await WriteAsync(commands, call, atomic: true, cancellation).ConfigureAwait(false);
            return await Answer(pending.Task, _options.CommandTimeout, "a batch", cancellation).ConfigureAwait(false);
        }
        finally
        {
            _pending.TryRemove(call, out _);
        }
    }

    /// <summary>One part of the flows of the data plane, from a cursor on (0: the first).</summary>
    public async Task<FlowDumpPage> DumpFlowsAsync(uint cursor, uint max, CancellationToken cancellation = default)
    {
        var pending = new PendingDump();
        var call = Register(pending);
        try
        {
            var command = new FlowDumpCommand { Cursor = cursor, Max = max };
            var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<FlowDumpCommand>(in command)).ToArray();
            await WriteOneAsync(MessageType.FlowDump, call, bytes, cancellation).ConfigureAwait(false);
            return await Answer(pending.Task, _options.CommandTimeout, "a flow dump", cancellation).ConfigureAwait(false);
        }
        finally
        {
            _pending.TryRemove(call, out _);
        }
    }

    /// <summary>All flows of the data plane. Flows added or removed meanwhile may be in it or not; no other is missed or
    /// doubled.</summary>
    public async IAsyncEnumerable<DumpedFlow> DumpAllFlowsAsync([EnumeratorCancellation] CancellationToken cancellation = default)
    {
        uint? cursor = 0;
        while (cursor is { } from)
        {
            var page = await DumpFlowsAsync(from, 1024, cancellation).ConfigureAwait(false);
            foreach (var flow in page.Flows) yield return flow;
            if (page.NextCursor is { } next && next <= from) throw new ChannelException(
                "the data plane's flow dump does not advance");
            cursor = page.NextCursor;
        }
    }

    /// <summary>Sends a packet by encoded actions; false when the packet-out ring is full.</summary>
    /// <exception cref="ChannelException">The channel is closed.</exception>
    /// <exception cref="ArgumentException">The packet is not 14 to 9,216 bytes long, or the actions are too long.</exception>
    public bool TryPacketOut(uint inPort, ReadOnlySpan<byte> actions, ReadOnlySpan<byte> packet)
    {
        if (packet.Length is < PacketOutCommand.MinPacket or > PacketOutCommand.MaxPacket)
            throw new ArgumentException(
                $"a packet of {packet.Length} bytes: {PacketOutCommand.MinPacket} to {PacketOutCommand.MaxPacket} can be sent");
        if (actions.Length > 16_384) throw new ArgumentException("the actions are longer than 16,384 bytes");
        var head = new PacketOutCommand { InPort = inPort, ActionBytes = (ushort)actions.Length };
        Span<byte> start = stackalloc byte[PacketOutCommand.Size + actions.Length];
        MemoryMarshal.Write(start, in head);
        actions.CopyTo(start[PacketOutCommand.Size..]);
        lock (_packetOutGate)
        {
            ThrowIfClosed();
            var sent = _packetOuts.TryWrite(MessageType.PacketOut, MessageFlags.None, 0, start, packet);
            RingDataPlane();
            return sent;
        }
    }

    private async Task<TAnswer> QueryAsync<TRequest, TAnswer>(
        MessageType type,
        TRequest request,
        JsonTypeInfo<TRequest> requestType,
        JsonTypeInfo<TAnswer> answerType,
        TimeSpan timeout,
        CancellationToken cancellation)
    {
        var pending = new PendingQuery<TAnswer>(answerType);
        var call = Register(pending);
        try
        {
            var bytes = JsonSerializer.SerializeToUtf8Bytes(request, requestType);
            await WriteOneAsync(type, call, bytes, cancellation).ConfigureAwait(false);
            return await Answer(pending.Task, timeout, type.ToString(), cancellation).ConfigureAwait(false);
        }
        finally
        {
            _pending.TryRemove(call, out _);
        }
    }

    private ulong Register(PendingCall pending)
    {
        var call = Interlocked.Increment(ref _lastCall) & (ulong.MaxValue >> PendingCall.ItemBits);
        _pending[call] = pending;
        if (_closed.Task.IsCompleted && _pending.TryRemove(call, out _)) ThrowIfClosed();
        return call;
    }

    private async Task WriteAsync(FlowCommandBuffer commands, ulong call, bool atomic, CancellationToken cancellation)
    {
        await _commandGate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            ThrowIfClosed();
            var first = call << PendingCall.ItemBits;
            if (atomic) await WriteWhenRoomAsync(MessageType.BatchBegin, first, default, default).ConfigureAwait(false);
            var index = 0;
            while (index < commands.Count)
            {
                index = WriteRun(commands, index, first);
                // A batch that is begun is sent whole: cancelling it half-way would leave its rest to the next command.
                if (index < commands.Count) await WaitForRoomAsync(atomic ? default : cancellation).ConfigureAwait(false);
            }

            if (atomic) await WriteWhenRoomAsync(MessageType.BatchCommit, first + (ulong)commands.Count, default, default)
                .ConfigureAwait(false);
            RingDataPlane();
        }
        finally
        {
            _commandGate.Release();
        }
    }

    private int WriteRun(FlowCommandBuffer commands, int index, ulong first)
    {
        for (; index < commands.Count; index++)
        {
            var payload = commands.Item(index, out var type);
            if (!_commands.TryWrite(type, MessageFlags.None, first + (ulong)index, payload)) break;
        }

        return index;
    }

    private async Task WriteOneAsync(MessageType type, ulong call, byte[] payload, CancellationToken cancellation)
    {
        if (payload.Length > _commands.MaxPayload)
            throw new CommandException(CommandErrorCode.InvalidArgument,
                $"{type}: the request has {payload.Length} bytes, at most {_commands.MaxPayload} go");
        await _commandGate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            ThrowIfClosed();
            await WriteWhenRoomAsync(type, call << PendingCall.ItemBits, payload, cancellation).ConfigureAwait(false);
            RingDataPlane();
        }
        finally
        {
            _commandGate.Release();
        }
    }

    private async Task WriteWhenRoomAsync(
        MessageType type, ulong correlation, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        while (!_commands.TryWrite(type, MessageFlags.None, correlation, payload.Span))
            await WaitForRoomAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>The ring is full: wait until half of it is free, which is room for any message, or give the channel up when
    /// the data plane reads nothing.</summary>
    private async Task WaitForRoomAsync(CancellationToken cancellation)
    {
        RingDataPlane();
        var seen = _commands.FreeBytes;
        var patience = (long)_options.CommandTimeout.TotalMilliseconds;
        var deadline = Environment.TickCount64 + patience;
        for (long free; (free = _commands.FreeBytes) < _commands.Capacity / 2;)
        {
            if (free != seen) deadline = Environment.TickCount64 + patience;
            seen = free;
            ThrowIfClosed();
            if (_stopping) throw ClosedException("the control plane detached");
            if (Environment.TickCount64 > deadline)
            {
                Close($"the data plane has not read a command for {_options.CommandTimeout.TotalSeconds} s");
                ThrowIfClosed();
            }

            await Task.Delay(1, cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<T> Answer<T>(Task<T> answer, TimeSpan timeout, string what, CancellationToken cancellation)
    {
        try
        {
            return await answer.WaitAsync(timeout, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(
                $"the data plane has not answered {what} in {timeout.TotalSeconds} s; whether the change was made is unknown");
        }
    }

    private static void CheckCount(FlowCommandBuffer commands)
    {
        if (commands.Count > MaxItems) throw new ArgumentException(
            $"{commands.Count} flow commands: at most {MaxItems} go together");
    }

    private void RingDataPlane()
    {
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _region.DataPlaneWaits) == 1) _bell.Ring();
    }

    private void ThrowIfClosed()
    {
        if (_closed.Task.IsCompleted) throw ClosedException(_closed.Task.Result);
    }
}
