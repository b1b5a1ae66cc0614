using System.Buffers;
using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Client;

/// <summary>Flow commands to be sent together, encoded; may be cleared and used again when its write has ended. Not
/// thread-safe.</summary>
public sealed class FlowCommandBuffer
{
    private readonly ArrayBufferWriter<byte> _bytes = new(4096);
    private readonly List<(MessageType Type, int Offset, int Length)> _items = [];

    /// <summary>Commands in it.</summary>
    public int Count => _items.Count;

    /// <summary>Adds a flow; one of equal identity is replaced.</summary>
    /// <param name="spec">The encoded flow (<see cref="FlowSpec.Encode"/>); the data plane checks it.</param>
    public void Add(ReadOnlySpan<byte> spec) => Put(MessageType.FlowAdd, default, spec);

    /// <summary>Gives a flow the instructions of an encoded flow.</summary>
    public void Modify(FlowHandle flow, ReadOnlySpan<byte> spec) =>
        Put(MessageType.FlowModify, MemoryMarshal.AsBytes(new ReadOnlySpan<FlowHandle>(in flow)), spec);

    /// <summary>Takes a flow out.</summary>
    public void Delete(FlowHandle flow, FlowRemovedReason reason = FlowRemovedReason.Delete)
    {
        var command = new FlowDeleteCommand { Flow = flow, Reason = reason };
        Put(MessageType.FlowDelete, MemoryMarshal.AsBytes(new ReadOnlySpan<FlowDeleteCommand>(in command)), default);
    }

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        _bytes.ResetWrittenCount();
        _items.Clear();
    }

    /// <summary>One command as it goes into the ring.</summary>
    internal ReadOnlySpan<byte> Item(int index, out MessageType type)
    {
        (type, var offset, var length) = _items[index];
        return _bytes.WrittenSpan.Slice(offset, length);
    }

    private void Put(MessageType type, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        _items.Add((type, _bytes.WrittenCount, head.Length + body.Length));
        _bytes.Write(head);
        _bytes.Write(body);
    }
}
