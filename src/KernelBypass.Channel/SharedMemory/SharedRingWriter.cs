using System.Runtime.CompilerServices;
using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// The writing end of a byte ring with one writer and one reader. The reader's cursor is checked at each read: a reader that
/// claims to have read what was not written faults the ring. Not thread-safe; allocates nothing.
/// </summary>
public sealed unsafe class SharedRingWriter
{
    private readonly RingCursors* _cursors;
    private readonly byte* _data;
    private readonly ulong _capacity;
    private ulong _write;
    private ulong _readSeen;

    /// <summary>Takes a ring whose place has been checked.</summary>
    internal SharedRingWriter(RingCursors* cursors, byte* data, ulong capacity)
    {
        _cursors = cursors;
        _data = data;
        _capacity = capacity;
        MaxPayload = (int)Math.Min(capacity / 4, MaxPayloadBytes) - MessageHeader.Size;
        Restart();
    }

    /// <summary>No message is longer, whatever the ring's size.</summary>
    public const int MaxPayloadBytes = 256 * 1024;

    /// <summary>Longest payload that this ring takes.</summary>
    public int MaxPayload { get; }

    /// <summary>Bytes of the ring.</summary>
    public long Capacity => (long)_capacity;

    /// <summary>Why the ring is closed, or null.</summary>
    public string? Fault { get; private set; }

    /// <summary>Bytes free, as of the reader's cursor now; 0 when faulted.</summary>
    public long FreeBytes
    {
        get
        {
            RefreshRead();
            return Fault is null ? (long)(_capacity - (_write - _readSeen)) : 0;
        }
    }

    /// <summary>Whether so many bytes are free; looks at the reader's cursor only when it must.</summary>
    public bool HasRoom(long bytes) => _capacity - (_write - _readSeen) >= (ulong)bytes || FreeBytes >= bytes;

    /// <summary>Appends a message; false when the ring is full or faulted.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="correlation">Its correlation.</param>
    /// <param name="head">First part of the payload.</param>
    /// <param name="body">Second part; may be empty.</param>
    /// <exception cref="ArgumentException">The payload is longer than <see cref="MaxPayload"/>.</exception>
    public bool TryWrite(
        MessageType type, MessageFlags flags, ulong correlation, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body = default)
    {
        var length = head.Length + body.Length;
        if (length > MaxPayload) ThrowTooLong(length);
        var footprint = (ulong)MessageHeader.Footprint(length);
        if (_capacity - (_write - _readSeen) < footprint)
        {
            RefreshRead();
            if (Fault is not null || _capacity - (_write - _readSeen) < footprint) return false;
        }

        var header = new MessageHeader { Length = (uint)length, Type = type, Flags = flags, Correlation = correlation };
        Copy(_write, new ReadOnlySpan<byte>(&header, MessageHeader.Size));
        Copy(_write + MessageHeader.Size, head);
        if (!body.IsEmpty) Copy(_write + MessageHeader.Size + (ulong)head.Length, body);
        _write += footprint;
        Volatile.Write(ref _cursors->Write, _write);
        return true;
    }

    /// <summary>Takes up a ring that has been reset: reads where it begins.</summary>
    internal void Restart()
    {
        _write = Volatile.Read(ref _cursors->Write);
        _readSeen = _write;
        Fault = null;
        RefreshRead();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RefreshRead()
    {
        var read = Volatile.Read(ref _cursors->Read);
        if (_write - read > _capacity || read % 8 != 0)
            Fault ??= "the reader's cursor is outside the ring";
        else
            _readSeen = read;
    }

    private void Copy(ulong position, ReadOnlySpan<byte> bytes)
    {
        var offset = position & (_capacity - 1);
        var first = (int)Math.Min((ulong)bytes.Length, _capacity - offset);
        bytes[..first].CopyTo(new Span<byte>(_data + offset, first));
        bytes[first..].CopyTo(new Span<byte>(_data, bytes.Length - first));
    }

    private void ThrowTooLong(int length) =>
        throw new ArgumentException($"a message of {length} bytes is longer than the ring's limit of {MaxPayload}");
}
