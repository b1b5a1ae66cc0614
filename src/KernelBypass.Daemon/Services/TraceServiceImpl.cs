using Google.Protobuf;
using Grpc.Core;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Services.Flows;
using KernelBypass.V1;
using ExplainRequest = KernelBypass.V1.ExplainRequest;
using TraceRequest = KernelBypass.V1.TraceRequest;

namespace KernelBypass.Daemon.Services;

/// <summary>kernelbypass.v1.TraceService; the contract is in proto/kernelbypass/v1/trace.proto.</summary>
internal sealed class TraceServiceImpl(DataPlaneAccess dataPlane, DataPlaneEvents events, FlowManager flows, StreamLimit streams)
    : TraceService.TraceServiceBase
{
    private const uint DefaultPackets = 100;
    private const uint MaxPackets = 10_000;

    public override Task<ExplainResponse> Explain(ExplainRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            if (request.Packet.Length is 0 or > PacketOutCommand.MaxPacket)
                throw RpcGuard.Invalid($"packet: {request.Packet.Length} bytes: 1 to {PacketOutCommand.MaxPacket} can be explained");
            var session = dataPlane.Session;
            var ports = await session.Control.PortsAsync(context.CancellationToken).ConfigureAwait(false);
            if (!ports.Ports.Any(port => port.Settings.Number == request.InPort)) throw RpcGuard.Invalid($"in_port: no port {request.InPort}");
            var answer = await session.Control.ExplainAsync(new(request.InPort, request.Packet.ToByteArray()), context.CancellationToken)
                .ConfigureAwait(false);
            var response = new ExplainResponse { Packet = answer.Packet, DropReason = answer.DropReason, Verdict = answer.Verdict };
            foreach (var step in answer.Steps) response.Steps.Add(await ToStepAsync(step, context.CancellationToken).ConfigureAwait(false));
            response.Outputs.AddRange(answer.Outputs.Select(output =>
                new ExplainResponse.Types.Output { Port = output.Port, Packet = ByteString.CopyFrom(output.Packet) }));
            return response;
        });

    public override Task Trace(TraceRequest request, IServerStreamWriter<TraceRecord> responseStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                if (request.MaxPackets > MaxPackets) throw RpcGuard.Invalid($"max_packets {request.MaxPackets}: at most {MaxPackets}");
                var most = request.MaxPackets == 0 ? DefaultPackets : request.MaxPackets;
                var session = dataPlane.Session;
                var start = new Channel.Messages.TraceRequest(FlowMessages.ToMatch(request.Match, "match"), most, request.DurationMs);
                using var place = streams.Take();
                using var records = events.Traces.Subscribe();
                var id = (await session.Control.StartTraceAsync(start, context.CancellationToken).ConfigureAwait(false)).Id;
                try
                {
                    using var timer = StreamTimer.Create(request.DurationMs, session, context.CancellationToken);
                    uint sent = 0;
                    await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
                    while (await timer.WaitAsync(records).ConfigureAwait(false))
                    {
                        while (records.TryRead(out var next))
                        {
                            if (next.Item.Record.TraceId != id) continue;
                            await responseStream.WriteAsync(await ToRecordAsync(next.Item, next.Missed, context.CancellationToken).ConfigureAwait(false))
                                .ConfigureAwait(false);
                            if (++sent == most) return;
                        }
                    }
                }
                finally
                {
                    await PacketServiceImpl.StopAsync(() => session.Control.StopTraceAsync(id, CancellationToken.None)).ConfigureAwait(false);
                }
            });

    private async Task<TraceRecord> ToRecordAsync(TraceEvent trace, ulong missed, CancellationToken cancellation)
    {
        var record = new TraceRecord
        {
            TimestampUnixNs = trace.Record.TimestampUnixNs,
            Lcore = trace.Record.Lcore,
            InPort = trace.Record.InPort,
            Data = UnsafeByteOperations.UnsafeWrap(trace.Data),
            TotalLength = trace.Record.TotalLength,
            Packet = trace.Answer.Packet,
            Verdict = trace.Answer.Verdict,
            Missed = missed + trace.Record.Missed,
        };
        foreach (var step in trace.Answer.Steps) record.Steps.Add(await ToStepAsync(step, cancellation).ConfigureAwait(false));
        return record;
    }

    private async Task<Step> ToStepAsync(ExplainStep step, CancellationToken cancellation)
    {
        var message = new Step { Kind = step.Kind, Text = step.Text };
        if (step.TableId is { } table) message.TableId = (uint)table;
        if (step is { Slot: { } slot, Generation: { } generation }
            && await flows.FindAsync(new(slot, generation), cancellation).ConfigureAwait(false) is { } spec)
        {
            message.Flow = FlowMessages.ToFlow(spec);
        }

        return message;
    }
}
