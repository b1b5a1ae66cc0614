using System.Text.RegularExpressions;
using Grpc.Core;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.V1;
using PortEventMessage = KernelBypass.V1.PortEvent;

namespace KernelBypass.Daemon.Services;

/// <summary>kernelbypass.v1.PortService; the contract is in proto/kernelbypass/v1/port.proto.</summary>
internal sealed partial class PortServiceImpl(DataPlaneAccess dataPlane, PortManager ports, DataPlaneEvents events, StreamLimit streams)
    : PortService.PortServiceBase
{
    public override Task<ListPortsResponse> List(ListPortsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var list = await dataPlane.Session.Control.PortsAsync(context.CancellationToken).ConfigureAwait(false);
            var response = new ListPortsResponse();
            response.Ports.AddRange(list.Ports.OrderBy(port => port.Settings.Number).Select(ToPort));
            return response;
        });

    public override Task<Port> Attach(AttachPortRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () => ToPort(await ports.AttachAsync(dataPlane.Session, ToSettings(request.Config), context.CancellationToken).ConfigureAwait(false)));

    public override Task<DetachPortResponse> Detach(DetachPortRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            if (request.Port.Length == 0) throw RpcGuard.Invalid("port: empty: give its name or number");
            await ports.DetachAsync(dataPlane.Session, request.Port, context.CancellationToken).ConfigureAwait(false);
            return new DetachPortResponse();
        });

    public override Task<Port> Set(SetPortRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            if (request.Port.Length == 0) throw RpcGuard.Invalid("port: empty: give its name or number");
            if (request.HasMtu && request.Mtu is < 68 or > 9_000 && request.HasMtu) throw RpcGuard.Invalid($"mtu {request.Mtu}: 68 to 9000");
            if (request.HasMac) CheckMac(request.Mac);
            var change = new PortChange
            {
                Port = request.Port,
                Mtu = request.HasMtu ? request.Mtu : null,
                Promiscuous = request.HasPromiscuous ? request.Promiscuous : null,
                Allmulticast = request.HasAllmulticast ? request.Allmulticast : null,
                Mac = request.HasMac ? request.Mac : null,
                NoFlood = request.HasNoFlood ? request.NoFlood : null,
                AdminDown = request.HasAdminDown ? request.AdminDown : null,
            };
            return ToPort(await ports.SetAsync(dataPlane.Session, change, context.CancellationToken).ConfigureAwait(false));
        });

    public override Task<PortStatsResponse> Stats(PortStatsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var session = dataPlane.Session;
            var list = await session.Control.PortsAsync(context.CancellationToken).ConfigureAwait(false);
            var metrics = session.ReadMetrics();
            var response = new PortStatsResponse();
            foreach (var name in request.Ports.Where(name => !list.Ports.Any(port => IsNamed(port, name))))
                throw new RpcException(new Grpc.Core.Status(StatusCode.NotFound, $"no port '{name}': List names them"));
            foreach (var port in list.Ports.OrderBy(port => port.Settings.Number))
            {
                if (request.Ports.Count == 0 || request.Ports.Any(name => IsNamed(port, name))) response.Ports.Add(ToStats(port, metrics));
            }

            return response;
        });

    public override Task<PortXStatsResponse> XStats(PortXStatsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var answer = await dataPlane.Session.Control.PortXStatsAsync(request.Port, context.CancellationToken).ConfigureAwait(false);
            var response = new PortXStatsResponse();
            foreach (var (name, value) in answer.XStats) response.Xstats[name] = value;
            return response;
        });

    public override Task Watch(WatchPortsRequest request, IServerStreamWriter<PortEventMessage> responseStream, ServerCallContext context) =>
        RpcGuard.RunAsync(
            context,
            async () =>
            {
                using var place = streams.Take();
                using var changes = events.Ports.Subscribe();
                var present = await dataPlane.Session.Control.PortsAsync(context.CancellationToken).ConfigureAwait(false);
                foreach (var port in present.Ports.OrderBy(port => port.Settings.Number))
                    await responseStream.WriteAsync(new() { Type = PortEventMessage.Types.Type.Present, Port = ToPort(port) }).ConfigureAwait(false);
                while (true)
                {
                    var (change, missed) = await changes.ReadAsync(context.CancellationToken).ConfigureAwait(false);
                    if (missed > 0)
                        throw new RpcException(new Grpc.Core.Status(StatusCode.DataLoss, $"{missed} port events were lost as they were not read: watch again"));
                    await responseStream.WriteAsync(new() { Type = (PortEventMessage.Types.Type)(int)change.Kind, Port = ToPort(change.Port) })
                        .ConfigureAwait(false);
                }
            });

    private static bool IsNamed(PortDescription port, string name) => port.Settings.Name == name || port.Settings.Number.ToString(null, null) == name;

    private static PortSettings ToSettings(PortConfig? config)
    {
        if (config is null) throw RpcGuard.Invalid("config: missing");
        if (!NamePattern().IsMatch(config.Name)) throw RpcGuard.Invalid($"config.name '{config.Name}': 1 to 63 of [A-Za-z0-9_.-]");
        if (config.Number > 65_279) throw RpcGuard.Invalid($"config.number {config.Number}: 1 to 65279, or 0 for the next free");
        if (config.Device.Length is 0 or > 1024) throw RpcGuard.Invalid("config.device: give a PCI address or a vdev, as net_tap0,iface=tap0");
        if (config.Mtu is not 0 and (< 68 or > 9_000)) throw RpcGuard.Invalid($"config.mtu {config.Mtu}: 68 to 9000");
        if (config.RxQueues > 1_024 || config.TxQueues > 1_024) throw RpcGuard.Invalid("config.rx_queues, config.tx_queues: at most 1024");
        if (config.RxDescriptors > 32_768 || config.TxDescriptors > 32_768)
            throw RpcGuard.Invalid("config.rx_descriptors, config.tx_descriptors: at most 32768");
        if (config.Mac.Length > 0) CheckMac(config.Mac);
        return new()
        {
            Name = config.Name,
            Number = config.Number,
            Device = config.Device,
            RxQueues = config.RxQueues,
            TxQueues = config.TxQueues,
            RxDescriptors = config.RxDescriptors,
            TxDescriptors = config.TxDescriptors,
            Mtu = config.Mtu,
            Promiscuous = config.Promiscuous,
            Allmulticast = config.Allmulticast,
            Mac = config.Mac,
            NoFlood = config.NoFlood,
            AdminDown = config.AdminDown,
        };
    }

    private static void CheckMac(string mac)
    {
        if (!MacPattern().IsMatch(mac)) throw RpcGuard.Invalid($"mac '{mac}': a unicast address as 02:00:00:00:00:01");
    }

    private static Port ToPort(PortDescription port)
    {
        var settings = port.Settings;
        var status = new PortStatus
        {
            LinkUp = port.LinkUp,
            SpeedMbps = port.SpeedMbps,
            FullDuplex = port.FullDuplex,
            Mac = port.Mac,
            Driver = port.Driver,
            NumaNode = port.NumaNode,
            MaxRxQueues = port.MaxRxQueues,
            MaxTxQueues = port.MaxTxQueues,
        };
        status.HardwareOffloads.AddRange(port.HardwareOffloads);
        status.SoftwareOffloads.AddRange(port.SoftwareOffloads);
        return new()
        {
            Status = status,
            Config = new()
            {
                Name = settings.Name,
                Number = settings.Number,
                Device = settings.Device,
                RxQueues = settings.RxQueues,
                TxQueues = settings.TxQueues,
                RxDescriptors = settings.RxDescriptors,
                TxDescriptors = settings.TxDescriptors,
                Mtu = settings.Mtu,
                Promiscuous = settings.Promiscuous,
                Allmulticast = settings.Allmulticast,
                Mac = settings.Mac,
                NoFlood = settings.NoFlood,
                AdminDown = settings.AdminDown,
            },
        };
    }

    private static PortStats ToStats(PortDescription port, Channel.MetricsSnapshot metrics)
    {
        ulong Sum(string metric) => MetricQuery.Sum(metrics, metric, "port", port.Settings.Name);
        return new()
        {
            Name = port.Settings.Name,
            Number = port.Settings.Number,
            RxPackets = Sum("kernelbypass_port_rx_packets"),
            RxBytes = Sum("kernelbypass_port_rx_bytes"),
            TxPackets = Sum("kernelbypass_port_tx_packets"),
            TxBytes = Sum("kernelbypass_port_tx_bytes"),
            RxMissed = Sum("kernelbypass_port_rx_missed_packets"),
            RxErrors = Sum("kernelbypass_port_rx_errors"),
            RxNoMbuf = Sum("kernelbypass_port_rx_no_mbuf"),
            TxErrors = Sum("kernelbypass_port_tx_errors"),
            TxQueueFull = Sum("kernelbypass_port_tx_queue_full_packets"),
        };
    }

    [GeneratedRegex("^[A-Za-z0-9_.-]{1,63}$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){5}$")]
    private static partial Regex MacPattern();
}
