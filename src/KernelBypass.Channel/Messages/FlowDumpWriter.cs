using System.Runtime.InteropServices;

namespace KernelBypass.Channel.Messages;

/// <summary>Fills one answer to a dump. Allocates nothing.</summary>
public ref struct FlowDumpWriter
{
    private readonly Span<byte> _buffer;
    private readonly uint _max;
    private int _used;
    private uint _count;

    /// <summary>Starts an answer in a buffer.</summary>
    /// <param name="buffer">Room for the answer; at least a head and the longest flow.</param>
    /// <param name="max">Most flows.</param>
    public FlowDumpWriter(Span<byte> buffer, uint max)
    {
        _buffer = buffer;
        _max = max;
        _used = FlowDumpHead.Size;
    }

    /// <summary>Adds a flow; false when the answer is full: then its cursor is the next answer's.</summary>
    public bool TryAdd(FlowHandle flow, long createdUnixNs, long usedUnixNs, scoped ReadOnlySpan<byte> spec)
    {
        if (_count >= _max || _buffer.Length - _used < FlowDumpEntryHead.Size + spec.Length) return false;
        var head = new FlowDumpEntryHead
        {
            Flow = flow,
            CreatedUnixNs = createdUnixNs,
            UsedUnixNs = usedUnixNs,
            SpecBytes = (uint)spec.Length,
        };
        MemoryMarshal.Write(_buffer[_used..], in head);
        spec.CopyTo(_buffer[(_used + FlowDumpEntryHead.Size)..]);
        _used += FlowDumpEntryHead.Size + spec.Length;
        _count++;
        return true;
    }

    /// <summary>Ends the answer and returns its bytes.</summary>
    /// <param name="nextCursor">Where to go on, or <see cref="FlowDumpHead.End"/>.</param>
    public readonly ReadOnlySpan<byte> Finish(uint nextCursor)
    {
        var head = new FlowDumpHead { NextCursor = nextCursor, Count = _count };
        MemoryMarshal.Write(_buffer, in head);
        return _buffer[.._used];
    }
}

/// <summary>Walks the flows of one answer to a dump, checking every length. Allocates nothing.</summary>
public ref struct FlowDumpReader
{
    private ReadOnlySpan<byte> _rest;
    private uint _left;

    /// <summary>Starts reading; false when the answer has no head.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> payload, out FlowDumpReader reader)
    {
        reader = default;
        if (!MemoryMarshal.TryRead(payload, out FlowDumpHead head)) return false;
        reader._rest = payload[FlowDumpHead.Size..];
        reader._left = head.Count;
        reader.NextCursor = head.NextCursor;
        return true;
    }

    /// <summary>Where to go on, or <see cref="FlowDumpHead.End"/>.</summary>
    public uint NextCursor { get; private set; }

    /// <summary>The current flow.</summary>
    public FlowDumpEntryHead Head { get; private set; }

    /// <summary>Its encoded flow.</summary>
    public ReadOnlySpan<byte> Spec { get; private set; }

    /// <summary>Whether the answer was cut off or claims more than it holds.</summary>
    public bool Malformed { get; private set; }

    /// <summary>Steps to the next flow.</summary>
    public bool MoveNext()
    {
        if (_left == 0) return false;
        if (!MemoryMarshal.TryRead(_rest, out FlowDumpEntryHead head)
            || head.SpecBytes > (uint)(_rest.Length - FlowDumpEntryHead.Size))
        {
            Malformed = true;
            return false;
        }

        Head = head;
        Spec = _rest.Slice(FlowDumpEntryHead.Size, (int)head.SpecBytes);
        _rest = _rest[(FlowDumpEntryHead.Size + (int)head.SpecBytes)..];
        _left--;
        return true;
    }
}
