using System.Buffers;
using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using KernelBypass.Daemon.Flows;
using KernelBypass.V1;

namespace KernelBypass.Daemon.Services.Flows;

/// <summary>
/// kernelbypass.v1.FlowService as the generated base has it, but for writes: they are read from the wire into the flow codec
/// directly (<see cref="FlowWireReader"/>), as the message objects in between cost more than everything else together.
/// </summary>
[BindServiceMethod(typeof(FlowServiceBinding), nameof(FlowServiceBinding.BindService))]
public abstract class FlowServiceContract
{
    /// <summary>FlowService.Write.</summary>
    public abstract Task<WriteResponse> Write(PooledFlowWrite request, ServerCallContext context);

    /// <summary>FlowService.WriteStream.</summary>
    public abstract Task WriteStream(
        IAsyncStreamReader<PooledFlowWrite> requestStream, IServerStreamWriter<WriteResponse> responseStream, ServerCallContext context);

    /// <summary>FlowService.Read.</summary>
    public abstract Task Read(ReadFlowsRequest request, IServerStreamWriter<ReadFlowsResponse> responseStream, ServerCallContext context);

    /// <summary>FlowService.Delete.</summary>
    public abstract Task<DeleteFlowsResponse> Delete(DeleteFlowsRequest request, ServerCallContext context);

    /// <summary>FlowService.Watch.</summary>
    public abstract Task Watch(WatchFlowsRequest request, IServerStreamWriter<FlowEvent> responseStream, ServerCallContext context);

    /// <summary>FlowService.ListTables.</summary>
    public abstract Task<ListTablesResponse> ListTables(ListTablesRequest request, ServerCallContext context);
}

/// <summary>A write request from the pool; dispose of it when it has been answered.</summary>
public sealed class PooledFlowWrite : IDisposable
{
    private const int MaxPooled = 16;
    private static readonly ConcurrentQueue<PooledFlowWrite> s_pool = new();

    private PooledFlowWrite()
    {
    }

    internal FlowWrite Write { get; } = new();

    internal static PooledFlowWrite Rent()
    {
        if (!s_pool.TryDequeue(out var write)) write = new();
        write.Write.Clear();
        return write;
    }

    /// <summary>Gives it back.</summary>
    public void Dispose()
    {
        if (s_pool.Count < MaxPooled) s_pool.Enqueue(this);
    }
}

/// <summary>Binds <see cref="FlowServiceContract"/> to the names and numbers of the contract.</summary>
public static class FlowServiceBinding
{
    private const string Service = "kernelbypass.v1.FlowService";
    private static readonly Marshaller<PooledFlowWrite> s_write = new((_, _) => throw new NotSupportedException("requests are only read"), ReadWrite);
    private static readonly Marshaller<WriteResponse> s_written = Of(WriteResponse.Parser);

    /// <summary>The contract, for server reflection.</summary>
    public static Google.Protobuf.Reflection.ServiceDescriptor Descriptor => FlowService.Descriptor;

    /// <summary>Adds the methods.</summary>
    public static void BindService(ServiceBinderBase binder, FlowServiceContract? service)
    {
        ArgumentNullException.ThrowIfNull(binder);
        binder.AddMethod(
            new Method<PooledFlowWrite, WriteResponse>(MethodType.Unary, Service, "Write", s_write, s_written),
            service is null ? null : new UnaryServerMethod<PooledFlowWrite, WriteResponse>(service.Write));
        binder.AddMethod(
            new Method<PooledFlowWrite, WriteResponse>(MethodType.DuplexStreaming, Service, "WriteStream", s_write, s_written),
            service is null ? null : new DuplexStreamingServerMethod<PooledFlowWrite, WriteResponse>(service.WriteStream));
        binder.AddMethod(
            Method(MethodType.ServerStreaming, "Read", ReadFlowsRequest.Parser, ReadFlowsResponse.Parser),
            service is null ? null : new ServerStreamingServerMethod<ReadFlowsRequest, ReadFlowsResponse>(service.Read));
        binder.AddMethod(
            Method(MethodType.Unary, "Delete", DeleteFlowsRequest.Parser, DeleteFlowsResponse.Parser),
            service is null ? null : new UnaryServerMethod<DeleteFlowsRequest, DeleteFlowsResponse>(service.Delete));
        binder.AddMethod(
            Method(MethodType.ServerStreaming, "Watch", WatchFlowsRequest.Parser, FlowEvent.Parser),
            service is null ? null : new ServerStreamingServerMethod<WatchFlowsRequest, FlowEvent>(service.Watch));
        binder.AddMethod(
            Method(MethodType.Unary, "ListTables", ListTablesRequest.Parser, ListTablesResponse.Parser),
            service is null ? null : new UnaryServerMethod<ListTablesRequest, ListTablesResponse>(service.ListTables));
    }

    private static Method<TRequest, TResponse> Method<TRequest, TResponse>(
        MethodType type, string name, MessageParser<TRequest> request, MessageParser<TResponse> response)
        where TRequest : IMessage<TRequest>
        where TResponse : IMessage<TResponse> => new(type, Service, name, Of(request), Of(response));

    private static Marshaller<T> Of<T>(MessageParser<T> parser)
        where T : IMessage<T> => new(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));

    private static PooledFlowWrite ReadWrite(DeserializationContext context)
    {
        var payload = context.PayloadAsReadOnlySequence();
        if (payload.IsSingleSegment) return ReadWrite(payload.FirstSpan);
        var length = (int)payload.Length;
        var copy = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            payload.CopyTo(copy);
            return ReadWrite(copy.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    private static PooledFlowWrite ReadWrite(ReadOnlySpan<byte> bytes)
    {
        var request = PooledFlowWrite.Rent();
        var write = request.Write;
        var reader = new ProtoReader(bytes);
        while (reader.MoveNext())
        {
            switch (reader.Field)
            {
                case WriteRequest.UpdatesFieldNumber:
                    ReadUpdate(reader.Bytes, write);
                    break;
                case WriteRequest.AtomicityFieldNumber:
                    write.AllOrNothing = reader.Number == (ulong)WriteRequest.Types.Atomicity.AllOrNothing;
                    break;
                case WriteRequest.IdFieldNumber:
                    write.Id = reader.Number;
                    break;
            }
        }

        return request;
    }

    private static void ReadUpdate(ReadOnlySpan<byte> bytes, FlowWrite write)
    {
        ulong kind = 0, cookieMask = 0;
        write.Writer.Clear();
        var reader = new ProtoReader(bytes);
        while (reader.MoveNext())
        {
            switch (reader.Field)
            {
                case FlowUpdate.TypeFieldNumber:
                    kind = reader.Number;
                    break;
                case FlowUpdate.FlowFieldNumber:
                    FlowWireReader.Read(reader.Bytes, write.Writer);
                    break;
                case FlowUpdate.CookieMaskFieldNumber:
                    cookieMask = reader.Number;
                    break;
            }
        }

        write.Add(kind <= (ulong)UpdateKind.Delete ? (UpdateKind)kind : UpdateKind.Unspecified, cookieMask);
    }
}
