namespace KernelBypass.Daemon.Flows;

/// <summary>What an update does; the numbers are those of kernelbypass.v1.FlowUpdate.Type.</summary>
internal enum UpdateKind
{
    Unspecified = 0,
    Insert = 1,
    ModifyStrict = 2,
    Modify = 3,
    DeleteStrict = 4,
    Delete = 5,
}

/// <summary>One update of a request: where its encoded flow stands, or what is wrong with it.</summary>
internal struct FlowUpdateItem
{
    internal UpdateKind Kind;
    internal int Offset;
    internal int Length;
    internal ulong CookieMask;
    internal string? Fault;
}

/// <summary>A write request: updates over one buffer. Reused.</summary>
internal sealed class FlowWrite
{
    private byte[] _bytes = new byte[16 * 1024];
    private FlowUpdateItem[] _updates = new FlowUpdateItem[64];
    private int _used;

    /// <summary>Encodes the flow of the update that is being added.</summary>
    internal FlowSpecWriter Writer { get; } = new();

    internal ulong Id { get; set; }

    internal bool AllOrNothing { get; set; }

    internal int Count { get; private set; }

    /// <summary>Bytes of all encoded flows.</summary>
    internal int Bytes => _used;

    internal ref FlowUpdateItem this[int index] => ref _updates[index];

    internal ReadOnlySpan<byte> Spec(int index) => _bytes.AsSpan(_updates[index].Offset, _updates[index].Length);

    internal void Clear()
    {
        Count = _used = 0;
        Id = 0;
        AllOrNothing = false;
    }

    /// <summary>Adds an update with the flow that <see cref="Writer"/> holds.</summary>
    internal void Add(UpdateKind kind, ulong cookieMask)
    {
        if (Count == _updates.Length) Array.Resize(ref _updates, Count * 2);
        var length = Writer.Length;
        if (_used + length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _used + length));
        Writer.CopyTo(_bytes.AsSpan(_used, length));
        _updates[Count++] = new() { Kind = kind, Offset = _used, Length = length, CookieMask = cookieMask, Fault = Writer.Fault };
        _used += length;
    }

    /// <summary>Adds an update with an encoded flow.</summary>
    internal void Add(UpdateKind kind, ReadOnlySpan<byte> spec)
    {
        if (Count == _updates.Length) Array.Resize(ref _updates, Count * 2);
        if (_used + spec.Length > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _used + spec.Length));
        spec.CopyTo(_bytes.AsSpan(_used));
        _updates[Count++] = new() { Kind = kind, Offset = _used, Length = spec.Length };
        _used += spec.Length;
    }
}
