using Grpc.Core;
using Grpc.Protocol;

namespace Grpc.Net.Client;

/// <summary>The responses of a call, as its caller reads them.</summary>
internal sealed class ClientStreamReader<TRequest, TResponse>(GrpcCall<TRequest, TResponse> call) : IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private static readonly Task<bool> s_true = Task.FromResult(true);
    private static readonly Task<bool> s_false = Task.FromResult(false);

    private readonly Func<DeserializationContext, TResponse> _deserializer =
        call.Method.ResponseMarshaller.ContextualDeserializer;
    private MessageReader? _reader;
    private TResponse? _current;

    public TResponse Current => _current
        ?? throw new InvalidOperationException("There is no current message: call MoveNext first.");

    public Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            call.Cancel("The caller cancelled reading a response.");
        if (call.End is { } end)
        {
            _current = null;
            return end.Status.StatusCode == StatusCode.OK ? s_false : Task.FromException<bool>(call.NewException());
        }

        try
        {
            if (_reader is not null && _reader.TryRead(_deserializer, out var message))
            {
                _current = message;
                return s_true;
            }
        }
        catch (Exception e)
        {
            call.Fail(e);
            return Task.FromException<bool>(call.NewException());
        }

        return WaitAsync(cancellationToken);
    }

    private async Task<bool> WaitAsync(CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.CanBeCanceled
            ? cancellationToken.UnsafeRegister(_ => call.Cancel("The caller cancelled reading a response."), null)
            : default;
        _current = null;
        call.Output?.BeginReaderWait();
        try
        {
            _reader ??= await call.OpenedAsync().ConfigureAwait(false);
            while (_reader is not null && await _reader.FillAsync(call.Ended).ConfigureAwait(false))
            {
                if (_reader.TryRead(_deserializer, out var message))
                {
                    _current = message;
                    return true;
                }
            }

            if (_reader is not null && call.End is null)
                call.FinishFromTrailers(_reader);
        }
        catch (Exception e)
        {
            call.Fail(e);
        }
        finally
        {
            call.Output?.EndReaderWait();
        }

        return call.End!.Status.StatusCode == StatusCode.OK ? false : throw call.NewException();
    }
}
