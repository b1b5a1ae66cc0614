using Grpc.Core;

namespace KernelBypass.Daemon.Services;

/// <summary>Counts streams that stay open (watch, packet-ins, capture, trace): limits.watchers of them at once.</summary>
internal sealed class StreamLimit(int most)
{
    private int _open;

    /// <summary>Streams open now.</summary>
    internal int Open => Volatile.Read(ref _open);

    /// <summary>Takes a place; dispose of it to give it back.</summary>
    /// <exception cref="RpcException">RESOURCE_EXHAUSTED: there are as many as allowed.</exception>
    internal IDisposable Take()
    {
        if (Interlocked.Increment(ref _open) <= most) return new Place(this);
        Interlocked.Decrement(ref _open);
        throw new RpcException(new Status(StatusCode.ResourceExhausted, $"limits.watchers ({most}) streams are open: end one, or raise the limit"));
    }

    private sealed class Place(StreamLimit limit) : IDisposable
    {
        private int _given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) == 0) Interlocked.Decrement(ref limit._open);
        }
    }
}
