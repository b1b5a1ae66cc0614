using System.Threading.Channels;

namespace KernelBypass.Daemon.DataPlane;

/// <summary>Hands events to any number of subscribers. One that reads too slowly loses events, and is told how many.</summary>
internal sealed class EventHub<T>(int queue)
{
    private readonly Lock _lock = new();
    private volatile EventSubscription<T>[] _subscriptions = [];

    internal bool HasSubscribers => _subscriptions.Length > 0;

    /// <summary>Events lost by slow subscribers, in all.</summary>
    internal long Lost => Interlocked.Read(ref _lost);

    private long _lost;

    /// <summary>Subscribes; dispose of the subscription to end it.</summary>
    /// <param name="filter">Which events are wanted; null: all.</param>
    internal EventSubscription<T> Subscribe(Func<T, bool>? filter = null)
    {
        var subscription = new EventSubscription<T>(this, queue, filter);
        lock (_lock) _subscriptions = [.. _subscriptions, subscription];
        return subscription;
    }

    /// <summary>Publishes an event.</summary>
    /// <param name="item">The event.</param>
    /// <param name="missed">Events lost before it on the way here.</param>
    internal void Publish(T item, ulong missed = 0)
    {
        foreach (var subscription in _subscriptions)
        {
            if (!subscription.Offer(item, missed)) Interlocked.Increment(ref _lost);
        }
    }

    internal void Unsubscribe(EventSubscription<T> subscription)
    {
        lock (_lock) _subscriptions = [.. _subscriptions.Where(other => other != subscription)];
    }
}

/// <summary>One subscriber's queue.</summary>
internal sealed class EventSubscription<T>(EventHub<T> hub, int capacity, Func<T, bool>? filter) : IDisposable
{
    private readonly Channel<(T Item, ulong Missed)> _queue =
        System.Threading.Channels.Channel.CreateBounded<(T, ulong)>(new BoundedChannelOptions(capacity) { SingleReader = true });

    private readonly Lock _lock = new();
    private ulong _missed;

    /// <summary>Queues an event; false when there is no room.</summary>
    internal bool Offer(T item, ulong missed)
    {
        lock (_lock)
        {
            _missed += missed;
            if (filter is not null && !filter(item)) return true;
            if (_queue.Writer.TryWrite((item, _missed)))
            {
                _missed = 0;
                return true;
            }

            _missed++;
            return false;
        }
    }

    /// <summary>The next event, with the number of those lost before it.</summary>
    internal ValueTask<(T Item, ulong Missed)> ReadAsync(CancellationToken cancellation) => _queue.Reader.ReadAsync(cancellation);

    /// <summary>An event that is there already.</summary>
    internal bool TryRead(out (T Item, ulong Missed) item) => _queue.Reader.TryRead(out item);

    /// <summary>Waits until there is an event.</summary>
    internal ValueTask<bool> WaitAsync(CancellationToken cancellation) => _queue.Reader.WaitToReadAsync(cancellation);

    public void Dispose() => hub.Unsubscribe(this);
}
