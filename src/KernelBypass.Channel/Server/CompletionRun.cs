using System.Runtime.InteropServices;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.Channel.Server;

/// <summary>Gathers the results of flow commands that follow each other, so that one event answers many. Allocates
/// nothing.</summary>
internal sealed class CompletionRun(SharedRingWriter events)
{
    /// <summary>Results in one event.</summary>
    internal const int Capacity = 256;

    private readonly FlowResult[] _results = new FlowResult[Capacity];
    private ulong _first;
    private int _count;

    /// <summary>Whether a result must wait until what was gathered has been written: there is no more room, or it does not
    /// follow.</summary>
    internal bool MustFlushBefore(ulong correlation) =>
        _count == Capacity || (_count > 0 && correlation != _first + (ulong)_count);

    /// <summary>Adds a result; see <see cref="MustFlushBefore"/>.</summary>
    internal void Add(ulong correlation, in FlowResult result)
    {
        if (_count == 0) _first = correlation;
        _results[_count++] = result;
    }

    /// <summary>Writes what was gathered. The caller has made sure of room.</summary>
    internal void Flush()
    {
        if (_count == 0) return;
        var bytes = MemoryMarshal.AsBytes(_results.AsSpan(0, _count));
        _ = events.TryWrite(MessageType.FlowCompletion, MessageFlags.None, _first, bytes);
        _count = 0;
    }

    /// <summary>Forgets what was gathered: its asker is gone.</summary>
    internal void Clear() => _count = 0;
}
