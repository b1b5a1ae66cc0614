using Grpc.Core;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Grpc.AspNetCore.Server;

/// <summary>The calls being served: admits new ones, and ends those that outlast a stopping server's grace.</summary>
internal sealed class ServerCallTracker : IDisposable
{
    private readonly Lock _lock = new();
    private readonly HashSet<HttpContextServerCallContext> _calls = [];
    private readonly GrpcServiceOptions _options;
    private readonly ILogger<ServerCallTracker> _logger;
    private readonly CancellationTokenRegistration _stopping;
    private Timer? _graceTimer;
    private bool _draining;

    public ServerCallTracker(
        IOptions<GrpcServiceOptions> options, IHostApplicationLifetime lifetime, ILogger<ServerCallTracker> logger)
    {
        _options = options.Value;
        _options.Validate();
        _logger = logger;
        _stopping = lifetime.ApplicationStopping.UnsafeRegister(static t => ((ServerCallTracker)t!).Drain(), this);
    }

    /// <summary>Calls being served now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _calls.Count;
        }
    }

    /// <summary>Admits a call.</summary>
    /// <exception cref="RpcException">The server is stopping or has as many calls as it may.</exception>
    public void Add(HttpContextServerCallContext call)
    {
        lock (_lock)
        {
            if (_draining)
                throw new RpcException(ShuttingDown());
            if (_calls.Count >= _options.MaxConcurrentCalls)
            {
                throw new RpcException(new Status(
                    StatusCode.ResourceExhausted, $"The server already has {_calls.Count} calls, as many as it may."));
            }

            _calls.Add(call);
        }
    }

    public void Remove(HttpContextServerCallContext call)
    {
        lock (_lock)
            _calls.Remove(call);
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _graceTimer?.Dispose();
    }

    private static Status ShuttingDown() => new(StatusCode.Unavailable, "The server is shutting down.");

    private void Drain()
    {
        lock (_lock)
        {
            _draining = true;
            if (_calls.Count == 0)
                return;
            ServerLog.Draining(_logger, _calls.Count, _options.ShutdownGracePeriod);
            _graceTimer = new Timer(
                static t => ((ServerCallTracker)t!).EndAll(), this, _options.ShutdownGracePeriod, Timeout.InfiniteTimeSpan);
        }
    }

    private void EndAll()
    {
        HttpContextServerCallContext[] calls;
        lock (_lock)
            calls = [.. _calls];
        if (calls.Length == 0)
            return;
        ServerLog.DrainExpired(_logger, calls.Length);
        foreach (var call in calls)
            call.EndEarly(ShuttingDown());
    }
}
