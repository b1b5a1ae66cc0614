namespace KernelBypass.Pipeline.L2;

/// <summary>What one lcore has seen, on its way to the main lcore: one producer, one consumer, no lock, fixed size.</summary>
internal sealed class MacLearnQueue
{
    /// <summary>Events it holds.</summary>
    internal const int Capacity = 4096;

    private readonly (ulong Key, uint Port)[] _events = new (ulong, uint)[Capacity];
    private ulong _produced;
    private ulong _consumed;

    /// <summary>Events taken by the main lcore so far.</summary>
    internal ulong Consumed => Volatile.Read(ref _consumed);

    /// <summary>Producer: adds an event and returns how many there have been with it; 0 when the queue is full.</summary>
    internal ulong TryEnqueue(ulong key, uint port)
    {
        var produced = _produced;
        if (produced - Volatile.Read(ref _consumed) == Capacity) return 0;
        _events[produced % Capacity] = (key, port);
        Volatile.Write(ref _produced, produced + 1);
        return produced + 1;
    }

    /// <summary>Consumer: takes the oldest event.</summary>
    internal bool TryDequeue(out ulong key, out uint port)
    {
        var consumed = _consumed;
        if (consumed == Volatile.Read(ref _produced))
        {
            (key, port) = (0, 0);
            return false;
        }

        (key, port) = _events[consumed % Capacity];
        Volatile.Write(ref _consumed, consumed + 1);
        return true;
    }
}
