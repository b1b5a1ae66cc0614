using System.Threading.Channels;
using Grpc.Core;
using Grpc.Health.V1;

namespace Grpc.HealthCheck;

/// <summary>
/// The health service (grpc.health.v1; gRPC doc/health-checking.md). One instance holds the status of every service; whoever
/// knows sets it. The empty name stands for the server as a whole and is SERVING from the start.
/// </summary>
public sealed class HealthServiceImpl : Health.V1.Health.HealthBase
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HealthCheckResponse.Types.ServingStatus> _status = new()
    {
        [""] = HealthCheckResponse.Types.ServingStatus.Serving,
    };

    private readonly Dictionary<string, List<ChannelWriter<HealthCheckResponse.Types.ServingStatus>>> _watchers = [];
    private bool _shutDown;

    /// <summary>Sets the status of a service and tells those who watch it; of no effect after Shutdown.</summary>
    public void SetStatus(string service, HealthCheckResponse.Types.ServingStatus status)
    {
        ArgumentNullException.ThrowIfNull(service);
        if (status == HealthCheckResponse.Types.ServingStatus.ServiceUnknown)
            throw new ArgumentException("SERVICE_UNKNOWN is for services without a status: use ClearStatus.", nameof(status));
        lock (_lock)
        {
            if (_shutDown)
                return;
            _status[service] = status;
            Tell(service, status);
        }
    }

    /// <summary>Forgets a service: Check then says NOT_FOUND, and Watch SERVICE_UNKNOWN.</summary>
    public void ClearStatus(string service)
    {
        lock (_lock)
        {
            if (_status.Remove(service))
                Tell(service, HealthCheckResponse.Types.ServingStatus.ServiceUnknown);
        }
    }

    /// <summary>Forgets every service.</summary>
    public void ClearAll()
    {
        lock (_lock)
        {
            foreach (string service in _status.Keys.ToArray())
                ClearStatus(service);
        }
    }

    /// <summary>The server is stopping: every service is NOT_SERVING, those who watch are told, and their streams end.</summary>
    public void Shutdown()
    {
        lock (_lock)
        {
            _shutDown = true;
            foreach (string service in _status.Keys.ToArray())
            {
                _status[service] = HealthCheckResponse.Types.ServingStatus.NotServing;
                Tell(service, HealthCheckResponse.Types.ServingStatus.NotServing);
            }

            foreach (var watcher in _watchers.Values.SelectMany(w => w))
                watcher.TryComplete();
        }
    }

    /// <inheritdoc/>
    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        lock (_lock)
        {
            return _status.TryGetValue(request.Service, out var status)
                ? Task.FromResult(new HealthCheckResponse { Status = status })
                : throw new RpcException(new Status(StatusCode.NotFound, $"There is no service '{request.Service}'."));
        }
    }

    /// <inheritdoc/>
    public override async Task Watch(
        HealthCheckRequest request, IServerStreamWriter<HealthCheckResponse> responseStream, ServerCallContext context)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(responseStream);
        ArgumentNullException.ThrowIfNull(context);
        // Only the newest status matters to a watcher that is slow.
        var changes = Channel.CreateBounded<HealthCheckResponse.Types.ServingStatus>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
        Subscribe(request.Service, changes.Writer);
        try
        {
            HealthCheckResponse.Types.ServingStatus? last = null;
            await foreach (var status in changes.Reader.ReadAllAsync(context.CancellationToken))
            {
                if (status == last)
                    continue;
                last = status;
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status });
            }
        }
        finally
        {
            Unsubscribe(request.Service, changes.Writer);
        }

        throw new RpcException(new Status(StatusCode.Unavailable, "The server is shutting down."));
    }

    private void Subscribe(string service, ChannelWriter<HealthCheckResponse.Types.ServingStatus> watcher)
    {
        lock (_lock)
        {
            if (!_watchers.TryGetValue(service, out var watchers))
                _watchers.Add(service, watchers = []);
            watchers.Add(watcher);
            watcher.TryWrite(_status.GetValueOrDefault(service, HealthCheckResponse.Types.ServingStatus.ServiceUnknown));
            if (_shutDown)
                watcher.TryComplete();
        }
    }

    private void Unsubscribe(string service, ChannelWriter<HealthCheckResponse.Types.ServingStatus> watcher)
    {
        lock (_lock)
        {
            if (_watchers.TryGetValue(service, out var watchers) && watchers.Remove(watcher) && watchers.Count == 0)
                _watchers.Remove(service);
        }
    }

    private void Tell(string service, HealthCheckResponse.Types.ServingStatus status)
    {
        if (!_watchers.TryGetValue(service, out var watchers))
            return;
        foreach (var watcher in watchers)
            watcher.TryWrite(status);
    }
}
