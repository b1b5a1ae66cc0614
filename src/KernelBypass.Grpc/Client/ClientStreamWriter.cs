using Grpc.Core;
using Grpc.Protocol;

namespace Grpc.Net.Client;

/// <summary>The requests of a call, as its caller writes them.</summary>
internal sealed class ClientStreamWriter<TRequest, TResponse> : IClientStreamWriter<TRequest>
    where TRequest : class
    where TResponse : class
{
    private readonly GrpcCall<TRequest, TResponse> _call;
    private readonly RequestStream _stream;
    private readonly RequestOutput _output;
    private readonly Action<TRequest, SerializationContext> _serializer;
    private Task _last = Task.CompletedTask;
    private bool _completed;

    public ClientStreamWriter(GrpcCall<TRequest, TResponse> call, RequestStream stream, RequestOutput output)
    {
        _call = call;
        _stream = stream;
        _output = output;
        _serializer = call.Method.RequestMarshaller.ContextualSerializer;
    }

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(TRequest message) => WriteAsync(message, CancellationToken.None);

    public Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled(cancellationToken);
        if (_completed)
            return Task.FromException(new InvalidOperationException("The stream of requests has been completed."));
        if (!_last.IsCompleted)
        {
            return Task.FromException(
                new InvalidOperationException("The last write has not ended: await each write before the next."));
        }

        if (_call.End is not null)
            return Task.FromException(EndedException());
        var flags = (WriteOptions ?? _call.Options.WriteOptions)?.Flags ?? WriteFlags.None;
        _last = Write(message, flags);
        return cancellationToken.CanBeCanceled && !_last.IsCompleted ? _last.WaitAsync(cancellationToken) : _last;
    }

    public async Task CompleteAsync()
    {
        if (_completed)
            return;
        _completed = true;
        await _last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_call.End is not null)
            return;
        try
        {
            await _output.EndAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException || _call.End is not null)
        {
            // The server has ended the call, or the connection broke: the call's status, with the responses, tells why.
            return;
        }

        _stream.Complete();
    }

    private Task Write(TRequest message, WriteFlags flags)
    {
        Task write;
        try
        {
            write = _output.WriteAsync(message, _serializer, flags);
        }
        catch (Exception e)
        {
            return Task.FromException(WriteFailed(e));
        }

        return write.IsCompletedSuccessfully ? write : AwaitAsync(write);
    }

    private async Task AwaitAsync(Task write)
    {
        try
        {
            await write.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            throw WriteFailed(e);
        }
    }

    // An error of one message (too large, not serializable) is the writer's alone: nothing of it was sent.
    private Exception WriteFailed(Exception exception)
    {
        if (_call.End is not null)
            return EndedException();
        return exception is IOException or OperationCanceledException
            ? new RpcException(new Status(
                StatusCode.Unavailable, "The server takes no more requests; its status comes with the responses.", exception))
            : exception;
    }

    private Exception EndedException() => _call.End!.Status.StatusCode == StatusCode.OK
        ? new InvalidOperationException("The server has ended the call: it takes no more requests.")
        : _call.NewException();
}
