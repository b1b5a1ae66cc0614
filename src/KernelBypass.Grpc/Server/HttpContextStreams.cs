using Grpc.Core;

namespace Grpc.AspNetCore.Server;

/// <summary>The requests of a call, as its handler reads them.</summary>
internal sealed class HttpContextStreamReader<T>(HttpContextServerCallContext call, Func<DeserializationContext, T> deserializer)
    : IAsyncStreamReader<T>
    where T : class
{
    private static readonly Task<bool> s_true = Task.FromResult(true);
    private T? _current;
    private bool _ended;

    public T Current => _current ?? throw new InvalidOperationException("There is no current message: call MoveNext first.");

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        try
        {
            if (_ended)
                return Task.FromResult(false);
            cancellationToken.ThrowIfCancellationRequested();
            if (call.IsCancelled)
                throw new OperationCanceledException("The call has ended.", call.CancellationToken);
            if (call.Input.TryRead(deserializer, out T message))
            {
                _current = message;
                return s_true;
            }
        }
        catch (Exception e)
        {
            return e is OperationCanceledException c && c.CancellationToken.IsCancellationRequested
                ? Task.FromCanceled<bool>(c.CancellationToken)
                : Task.FromException<bool>(e);
        }

        return WaitAsync(cancellationToken);
    }

    private async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        using var linked = cancellationToken.CanBeCanceled && cancellationToken != call.CancellationToken
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.CancellationToken)
            : null;
        var token = linked?.Token ?? call.CancellationToken;
        call.Output.BeginReaderWait();
        try
        {
            while (await call.Input.FillAsync(token).ConfigureAwait(false))
            {
                if (call.Input.TryRead(deserializer, out T message))
                {
                    _current = message;
                    return true;
                }
            }
        }
        catch (IOException e)
        {
            throw call.ClientGone(e);
        }
        finally
        {
            call.Output.EndReaderWait();
        }

        _ended = true;
        _current = null;
        return false;
    }
}

/// <summary>The responses of a call, as its handler writes them.</summary>
internal sealed class HttpContextStreamWriter<T>(HttpContextServerCallContext call, Action<T, SerializationContext> serializer)
    : IServerStreamWriter<T>
    where T : class
{
    private Task _last = Task.CompletedTask;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(T message, CancellationToken cancellationToken)
    {
        try
        {
            ArgumentNullException.ThrowIfNull(message);
            cancellationToken.ThrowIfCancellationRequested();
            if (call.IsCancelled)
                throw new OperationCanceledException("The call has ended.", call.CancellationToken);
            if (!_last.IsCompleted)
                throw new InvalidOperationException("The last write has not ended: await each write before the next.");
            var flags = (WriteOptions ?? call.WriteOptions)?.Flags ?? WriteFlags.None;
            _last = call.Output.WriteAsync(message, serializer, flags);
        }
        catch (Exception e)
        {
            return e is OperationCanceledException c && c.CancellationToken.IsCancellationRequested
                ? Task.FromCanceled(c.CancellationToken)
                : Task.FromException(e);
        }

        return cancellationToken.CanBeCanceled && !_last.IsCompleted ? _last.WaitAsync(cancellationToken) : _last;
    }
}
