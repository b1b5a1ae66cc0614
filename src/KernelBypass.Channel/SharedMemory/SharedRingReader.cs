using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.SharedMemory;

/// <summary>
/// The reading end of a byte ring. Trusts nothing of what the writer wrote: the cursor, then the head, then the payload are
/// copied
/// to private memory and checked there, so that no later change by the writer matters. Not thread-safe; allocates nothing.
/// </summary>
public sealed unsafe class SharedRingReader
{
    private readonly RingCursors* _cursors;
    private readonly byte* _data;
    private readonly ulong _capacity;
    private readonly byte[] _payload;
    private readonly int _maxPayload;
    private ulong _read;
    private ulong _writeSeen;

    /// <summary>Takes a ring whose place has been checked.</summary>
    internal SharedRingReader(RingCursors* cursors, byte* data, ulong capacity)
    {
        _cursors = cursors;
        _data = data;
        _capacity = capacity;
        _maxPayload = (int)Math.Min(capacity / 4, SharedRingWriter.MaxPayloadBytes) - MessageHeader.Size;
        _payload = GC.AllocateUninitializedArray<byte>(_maxPayload, pinned: true);
        Restart();
    }

    /// <summary>Why the ring is closed, or null.</summary>
    public string? Fault { get; private set; }

    /// <summary>Whether a message (or a fault) waits.</summary>
    public bool HasMessage => Fault is null && Volatile.Read(ref _cursors->Write) != _read;

    /// <summary>Takes the next message; false when there is none or the ring is faulted.</summary>
    /// <param name="header">A private copy of its head.</param>
    /// <param name="payload">A private copy of its payload, valid until the next call.</param>
    public bool TryRead(out MessageHeader header, out ReadOnlySpan<byte> payload)
    {
        header = default;
        payload = default;
        if (_read == _writeSeen && !RefreshWrite()) return false;
        var available = _writeSeen - _read;
        if (available < MessageHeader.Size) return Close("a message head is cut off");
        MessageHeader copy;
        Copy(_read, new Span<byte>(&copy, MessageHeader.Size));
        if (copy.Length > (uint)_maxPayload) return Close($"a message claims more than {_maxPayload} bytes");
        var footprint = (ulong)MessageHeader.Footprint((int)copy.Length);
        if (footprint > available) return Close("a message reaches beyond what was written");
        var bytes = _payload.AsSpan(0, (int)copy.Length);
        Copy(_read + MessageHeader.Size, bytes);
        _read += footprint;
        Volatile.Write(ref _cursors->Read, _read);
        header = copy;
        payload = bytes;
        return true;
    }

    /// <summary>Takes up a ring that has been reset: reads where it begins.</summary>
    internal void Restart()
    {
        _read = Volatile.Read(ref _cursors->Read);
        _writeSeen = _read;
        Fault = null;
    }

    private bool RefreshWrite()
    {
        if (Fault is not null) return false;
        var write = Volatile.Read(ref _cursors->Write);
        if (write == _read) return false;
        if (write - _read > _capacity || write % 8 != 0) return Close("the writer's cursor is outside the ring");
        _writeSeen = write;
        return true;
    }

    private bool Close(string reason)
    {
        Fault ??= reason;
        _writeSeen = _read;
        return false;
    }

    private void Copy(ulong position, Span<byte> bytes)
    {
        var offset = position & (_capacity - 1);
        var first = (int)Math.Min((ulong)bytes.Length, _capacity - offset);
        new ReadOnlySpan<byte>(_data + offset, first).CopyTo(bytes);
        new ReadOnlySpan<byte>(_data, bytes.Length - first).CopyTo(bytes[first..]);
    }
}
