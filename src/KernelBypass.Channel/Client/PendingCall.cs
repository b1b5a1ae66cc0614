using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Client;

/// <summary>A command that waits for its answer. <see cref="Accept"/> runs on the channel's thread.</summary>
internal abstract class PendingCall
{
    /// <summary>Bits of a correlation that count the items of one call; the others name the call.</summary>
    internal const int ItemBits = 24;

    /// <summary>Takes an answer; true when the call is complete.</summary>
    /// <exception cref="ChannelException">The answer makes no sense: the channel is closed.</exception>
    internal abstract bool Accept(in MessageHeader header, ReadOnlySpan<byte> payload);

    /// <summary>Ends the call.</summary>
    internal abstract void Fail(Exception reason);

    /// <summary>Index of an answer's first item.</summary>
    protected static int Item(in MessageHeader header) => (int)(header.Correlation & ((1UL << ItemBits) - 1));

    protected static ChannelException Nonsense(in MessageHeader header) =>
        new($"the data plane sent a malformed answer of type {header.Type}");
}

/// <summary>A cold command: JSON, perhaps in several parts.</summary>
internal sealed class PendingQuery<T>(JsonTypeInfo<T> type) : PendingCall
{
    private const int MaxAnswer = 64 << 20;

    private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ArrayBufferWriter<byte> _parts = new();

    internal Task<T> Task => _answer.Task;

    internal override bool Accept(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Type is not (MessageType.Answer or MessageType.Refusal) || _parts.WrittenCount + payload.Length > MaxAnswer)
            throw Nonsense(header);
        _parts.Write(payload);
        if ((header.Flags & MessageFlags.More) != 0) return false;
        var bytes = _parts.WrittenSpan;
        try
        {
            if (header.Type == MessageType.Refusal)
            {
                var refusal = JsonSerializer.Deserialize(bytes, ChannelJson.Default.CommandError) ?? throw Nonsense(header);
                _answer.TrySetException(new CommandException(refusal.Code, refusal.Message));
            }
            else
            {
                _answer.TrySetResult(JsonSerializer.Deserialize(bytes, type) ?? throw Nonsense(header));
            }
        }
        catch (JsonException)
        {
            throw Nonsense(header);
        }

        return true;
    }

    internal override void Fail(Exception reason) => _answer.TrySetException(reason);
}

/// <summary>Flow commands, each by itself: completions come in runs.</summary>
internal sealed class PendingFlows(int count) : PendingCall
{
    private readonly TaskCompletionSource<FlowResult[]> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FlowResult[] _results = new FlowResult[count];
    private int _next;

    internal Task<FlowResult[]> Task => _answer.Task;

    internal override bool Accept(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        var results = MemoryMarshal.Cast<byte, FlowResult>(payload);
        var fits = header.Type == MessageType.FlowCompletion && payload.Length % FlowResult.Size == 0 && Item(header) == _next
            && results.Length is > 0 && results.Length <= _results.Length - _next;
        if (!fits) throw Nonsense(header);
        results.CopyTo(_results.AsSpan(_next));
        _next += results.Length;
        return _next == _results.Length && _answer.TrySetResult(_results);
    }

    internal override void Fail(Exception reason) => _answer.TrySetException(reason);
}

/// <summary>An all-or-nothing batch: its results, if all went well, then its completion.</summary>
internal sealed class PendingBatch(int count) : PendingCall
{
    private readonly TaskCompletionSource<FlowBatchOutcome> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FlowResult[] _results = new FlowResult[count];
    private int _next;

    internal Task<FlowBatchOutcome> Task => _answer.Task;

    internal override bool Accept(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Type == MessageType.BatchCompletion && BatchCompletion.TryDecode(payload, out var completion))
        {
            if (completion.Result.IsOk && _next != count) throw Nonsense(header);
            var failed = completion.Result.IsOk ? -1 : (int)Math.Min(completion.FailedIndex, (uint)count);
            return _answer.TrySetResult(new(completion.Result.IsOk ? _results : [], failed, completion.Result));
        }

        var results = MemoryMarshal.Cast<byte, FlowResult>(payload);
        var fits = header.Type == MessageType.FlowCompletion && payload.Length % FlowResult.Size == 0 && Item(header) == _next
            && results.Length is > 0 && results.Length <= count - _next;
        if (!fits) throw Nonsense(header);
        results.CopyTo(_results.AsSpan(_next));
        _next += results.Length;
        return false;
    }

    internal override void Fail(Exception reason) => _answer.TrySetException(reason);
}

/// <summary>One answer to a dump.</summary>
internal sealed class PendingDump : PendingCall
{
    private readonly TaskCompletionSource<FlowDumpPage> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task<FlowDumpPage> Task => _answer.Task;

    internal override bool Accept(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Type != MessageType.FlowDumpEntries || !FlowDumpReader.TryOpen(payload, out var reader))
            throw Nonsense(header);
        var flows = new List<DumpedFlow>();
        while (reader.MoveNext())
            flows.Add(new(reader.Head.Flow, reader.Head.CreatedUnixNs, reader.Head.UsedUnixNs, reader.Spec.ToArray()));
        if (reader.Malformed) throw Nonsense(header);
        return _answer.TrySetResult(new(flows, reader.NextCursor == FlowDumpHead.End ? null : reader.NextCursor));
    }

    internal override void Fail(Exception reason) => _answer.TrySetException(reason);
}
