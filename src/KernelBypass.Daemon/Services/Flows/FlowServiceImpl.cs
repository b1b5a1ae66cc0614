using Grpc.Core;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.V1;

namespace KernelBypass.Daemon.Services.Flows;

/// <summary>kernelbypass.v1.FlowService; the contract is in proto/kernelbypass/v1/flow.proto.</summary>
internal sealed class FlowServiceImpl(FlowManager flows, StreamLimit streams) : FlowServiceContract
{
    private const int FlowsPerMessage = 512;
    private static readonly UpdateResult s_done = new();

    public override Task<WriteResponse> Write(PooledFlowWrite request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            using (request) return await WriteOneAsync(request.Write, context.CancellationToken).ConfigureAwait(false);
        });

    public override Task WriteStream(
        IAsyncStreamReader<PooledFlowWrite> requestStream, IServerStreamWriter<WriteResponse> responseStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                while (await requestStream.MoveNext(context.CancellationToken).ConfigureAwait(false))
                {
                    using var request = requestStream.Current;
                    await responseStream.WriteAsync(await WriteOneAsync(request.Write, context.CancellationToken).ConfigureAwait(false))
                        .ConfigureAwait(false);
                }
            });

    public override Task Read(ReadFlowsRequest request, IServerStreamWriter<ReadFlowsResponse> responseStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                var filter = FlowMessages.ToFilter(request.Filter);
                var left = request.Limit == 0 ? ulong.MaxValue : request.Limit;
                var session = flows.Session;
                uint? cursor = 0;
                while (cursor is { } from && left > 0)
                {
                    var page = await session.Control.DumpFlowsAsync(from, FlowsPerMessage, context.CancellationToken).ConfigureAwait(false);
                    var response = new ReadFlowsResponse();
                    foreach (var flow in page.Flows)
                    {
                        if (left == 0) break;
                        if (!filter.Selects(flow.Spec)) continue;
                        response.Flows.Add(new FlowEntry { Flow = FlowMessages.ToFlow(flow.Spec), Stats = StatsOf(session, flow) });
                        left--;
                    }

                    if (response.Flows.Count > 0) await responseStream.WriteAsync(response).ConfigureAwait(false);
                    if (page.NextCursor is { } next && next <= from) break;
                    cursor = page.NextCursor;
                }
            });

    public override Task<DeleteFlowsResponse> Delete(DeleteFlowsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var filter = FlowMessages.ToFilter(request.Filter);
            if (filter.SelectsEverything && !request.All)
                throw RpcGuard.Invalid("filter: it selects every flow: set all if that is meant");
            return new DeleteFlowsResponse { Deleted = await flows.DeleteAsync(filter, context.CancellationToken).ConfigureAwait(false) };
        });

    public override Task Watch(WatchFlowsRequest request, IServerStreamWriter<FlowEvent> responseStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                using var place = streams.Take();
                using var events = flows.Removals.Subscribe(request.All ? null : WantsRemoval);
                // Headers first, so that the client knows that it misses nothing from now on.
                await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
                while (await events.WaitAsync(context.CancellationToken).ConfigureAwait(false))
                {
                    while (events.TryRead(out var removal)) await responseStream.WriteAsync(ToEvent(removal.Item, removal.Missed)).ConfigureAwait(false);
                }
            });

    public override Task<ListTablesResponse> ListTables(ListTablesRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var tables = await flows.Session.Control.TablesAsync(context.CancellationToken).ConfigureAwait(false);
            var response = new ListTablesResponse();
            foreach (var table in tables.Tables)
            {
                response.Tables.Add(new TableStatus
                {
                    TableId = (uint)table.TableId,
                    Flows = table.Flows,
                    MaxFlows = table.MaxFlows,
                    Lookups = table.Lookups,
                    Matches = table.Matches,
                    Masks = table.Masks,
                });
            }

            return response;
        });

    private async Task<WriteResponse> WriteOneAsync(FlowWrite write, CancellationToken cancellation)
    {
        var outcome = await flows.WriteAsync(write, cancellation).ConfigureAwait(false);
        var response = new WriteResponse { Id = write.Id, Applied = (uint)outcome.Applied };
        if (outcome.Outcomes is not { } outcomes) return response;
        foreach (var update in outcomes)
        {
            response.Results.Add(update == default
                ? s_done
                : new UpdateResult { Code = (int)update.Code, Message = update.Message ?? "", Affected = update.Affected });
        }

        return response;
    }

    private static bool WantsRemoval(FlowRemoval removal) =>
        Model.Flows.FlowSpecDecoder.TryReadHeader(removal.Spec, out var head) && (head.Flags & Model.Flows.FlowFlags.SendFlowRemoved) != 0;

    private static FlowStats StatsOf(DataPlaneSession session, Channel.Client.DumpedFlow flow)
    {
        var counters = session.ReadCounters(flow.Flow.Slot);
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000_000;
        return new()
        {
            Packets = counters.Packets,
            Bytes = counters.Bytes,
            DurationNs = (ulong)Math.Max(0, now - flow.CreatedUnixNs),
            IdleNs = (ulong)Math.Max(0, now - Math.Max(flow.UsedUnixNs, flow.CreatedUnixNs)),
        };
    }

    private static FlowEvent ToEvent(FlowRemoval removal, ulong missed) => new()
    {
        Flow = FlowMessages.ToFlow(removal.Spec),
        Reason = removal.Reason switch
        {
            Model.Flows.FlowRemovedReason.IdleTimeout => FlowEvent.Types.Reason.IdleTimeout,
            Model.Flows.FlowRemovedReason.HardTimeout => FlowEvent.Types.Reason.HardTimeout,
            Model.Flows.FlowRemovedReason.Delete => FlowEvent.Types.Reason.Delete,
            _ => FlowEvent.Types.Reason.Replaced,
        },
        FinalStats = new() { Packets = removal.Packets, Bytes = removal.Bytes, DurationNs = removal.DurationNs },
        Missed = missed,
    };
}
