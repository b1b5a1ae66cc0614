using Google.Protobuf;
using Grpc.Core;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.Daemon.Services.Flows;
using KernelBypass.V1;
using CaptureRequest = KernelBypass.V1.CaptureRequest;

namespace KernelBypass.Daemon.Services;

/// <summary>kernelbypass.v1.PacketService; the contract is in proto/kernelbypass/v1/packet.proto.</summary>
internal sealed class PacketServiceImpl(DataPlaneAccess dataPlane, DataPlaneEvents events, FlowManager flows, StreamLimit streams)
    : PacketService.PacketServiceBase
{
    private const int MaxCookies = 4_096;

    public override Task PacketIns(PacketInsRequest request, IServerStreamWriter<PacketIn> responseStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                if (request.Cookies.Count > MaxCookies) throw RpcGuard.Invalid($"cookies: at most {MaxCookies}");
                var cookies = request.Cookies.ToHashSet();
                using var place = streams.Take();
                using var packets = events.PacketIns.Subscribe(cookies.Count == 0 ? null : packet => cookies.Contains(packet.Record.Cookie));
                await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
                while (true)
                {
                    var (packet, missed) = await packets.ReadAsync(context.CancellationToken).ConfigureAwait(false);
                    await responseStream.WriteAsync(ToPacketIn(packet, missed)).ConfigureAwait(false);
                }
            });

    public override Task<PacketOutResponse> PacketOut(PacketOutRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        () =>
        {
            Send(request);
            return Task.FromResult(new PacketOutResponse());
        });

    public override Task<PacketOutsResponse> PacketOuts(IAsyncStreamReader<PacketOutRequest> requestStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                var response = new PacketOutsResponse();
                while (await requestStream.MoveNext(context.CancellationToken).ConfigureAwait(false))
                {
                    try
                    {
                        Send(requestStream.Current);
                        response.Sent++;
                    }
                    catch (Exception e) when (e is FlowException or RpcException)
                    {
                        response.Refused++;
                        response.LastError = e is RpcException rpc ? rpc.Status.Detail : e.Message;
                    }
                }

                return response;
            });

    public override Task Capture(CaptureRequest request, IServerStreamWriter<CapturedPacket> responseStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                var session = dataPlane.Session;
                var cancellation = context.CancellationToken;
                var ports = await session.Control.PortsAsync(cancellation).ConfigureAwait(false);
                var names = ports.Ports.ToDictionary(port => port.Settings.Number, port => port.Settings.Name);
                var stages = (await session.Control.StagesAsync(cancellation).ConfigureAwait(false)).Stages;
                var drops = (await session.Control.DropReasonsAsync(cancellation).ConfigureAwait(false)).Reasons;
                var start = ToCapture(request, ports.Ports);
                using var place = streams.Take();
                // Subscribed before it starts: the first packet may come before the answer.
                using var packets = events.Captures.Subscribe();
                var id = (await session.Control.StartCaptureAsync(start, cancellation).ConfigureAwait(false)).Id;
                try
                {
                    using var timer = StreamTimer.Create(request.DurationMs, session, cancellation);
                    ulong sent = 0;
                    await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
                    while (await timer.WaitAsync(packets).ConfigureAwait(false))
                    {
                        while (packets.TryRead(out var next))
                        {
                            if (next.Item.Record.CaptureId != id) continue;
                            await responseStream.WriteAsync(ToCaptured(next.Item, next.Missed, names, stages, drops)).ConfigureAwait(false);
                            if (++sent == request.MaxPackets) return;
                        }
                    }
                }
                finally
                {
                    await StopAsync(() => session.Control.StopCaptureAsync(id, CancellationToken.None)).ConfigureAwait(false);
                }
            });

    /// <summary>Ends what a stream began; that it has ended by itself, or the data plane with it, is all right.</summary>
    internal static async Task StopAsync(Func<Task> stop)
    {
        try
        {
            await stop().ConfigureAwait(false);
        }
        catch (Exception e) when (e is CommandException or TimeoutException or Channel.ChannelException)
        {
            // Nothing is left to end.
        }
    }

    private void Send(PacketOutRequest request)
    {
        var length = request.Data.Length;
        if (length is < PacketOutCommand.MinPacket or > PacketOutCommand.MaxPacket)
            throw RpcGuard.Invalid($"data: {length} bytes: a packet has {PacketOutCommand.MinPacket} to {PacketOutCommand.MaxPacket}");
        var actions = FlowMessages.ToActions(request.Actions, flows.Limits.ActionsPerFlow);
        var inPort = request.InPort == 0 ? Model.Flows.ReservedPort.Any : request.InPort;
        if (inPort is > Model.Flows.ReservedPort.Max and not Model.Flows.ReservedPort.Any)
            throw RpcGuard.Invalid($"in_port {inPort}: a port's number, or 0 for the controller");
        if (!dataPlane.Session.Control.TryPacketOut(inPort, actions, request.Data.Span))
            throw new RpcException(new Grpc.Core.Status(StatusCode.ResourceExhausted, "the packet-out ring is full (limits.packet_out_ring): send slower"));
    }

    private static Channel.Messages.CaptureRequest ToCapture(CaptureRequest request, IReadOnlyList<PortDescription> ports)
    {
        var numbers = new List<uint>();
        foreach (var name in request.Ports)
        {
            var port = ports.FirstOrDefault(port => port.Settings.Name == name || port.Settings.Number.ToString(null, null) == name)
                ?? throw RpcGuard.Invalid($"ports: no port '{name}'");
            numbers.Add(port.Settings.Number);
        }

        return new()
        {
            Ports = numbers,
            Receive = request.Direction != CaptureRequest.Types.Direction.Tx,
            Transmit = request.Direction != CaptureRequest.Types.Direction.Rx,
            Stages = [.. request.Stages],
            Match = FlowMessages.ToMatch(request.Match, "match"),
            SnapLength = request.SnapLength,
            MaxPackets = request.MaxPackets,
            DurationMs = request.DurationMs,
        };
    }

    private static PacketIn ToPacketIn(PacketInEvent packet, ulong missed) => new()
    {
        Data = UnsafeByteOperations.UnsafeWrap(packet.Data),
        TotalLength = packet.Record.TotalLength,
        Reason = packet.Record.Reason switch
        {
            Model.Flows.PacketInReason.NoMatch => PacketIn.Types.Reason.NoMatch,
            Model.Flows.PacketInReason.Action => PacketIn.Types.Reason.Action,
            _ => PacketIn.Types.Reason.InvalidTtl,
        },
        TableId = packet.Record.TableId,
        Cookie = packet.Record.Cookie,
        InPort = packet.Record.InPort,
        Metadata = packet.Record.Metadata,
        TimestampUnixNs = packet.Record.TimestampUnixNs,
        Missed = missed,
    };

    private static CapturedPacket ToCaptured(
        CaptureEvent packet,
        ulong missed,
        Dictionary<uint, string> ports,
        IReadOnlyList<StageDescription> stages,
        IReadOnlyList<DropReasonDescription> drops)
    {
        var record = packet.Record;
        var port = ports.GetValueOrDefault(record.Port, record.Port.ToString(null, null));
        return new()
        {
            TimestampUnixNs = record.TimestampUnixNs,
            Data = UnsafeByteOperations.UnsafeWrap(packet.Data),
            TotalLength = record.TotalLength,
            Point = record.Point switch
            {
                CapturePoint.PortRx => $"{port} rx",
                CapturePoint.PortTx => $"{port} tx",
                CapturePoint.Drop => "drops",
                _ => record.Stage < stages.Count ? stages[record.Stage].Name : $"stage {record.Stage}",
            },
            Outbound = record.Point == CapturePoint.PortTx,
            DropReason = record.Point == CapturePoint.Drop && record.DropReason < drops.Count ? drops[record.DropReason].Reason : "",
            Missed = missed + record.Missed,
        };
    }
}
