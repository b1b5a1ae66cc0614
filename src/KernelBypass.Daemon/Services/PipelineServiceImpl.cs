using Grpc.Core;
using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Declarations;
using KernelBypass.V1;
using Status = KernelBypass.V1.Status;

namespace KernelBypass.Daemon.Services;

/// <summary>kernelbypass.v1.PipelineService; the contract is in proto/kernelbypass/v1/pipeline.proto.</summary>
internal sealed class PipelineServiceImpl(DataPlaneAccess dataPlane, FlowManager flows, LoadMeter load) : PipelineService.PipelineServiceBase
{
    public override Task<ListStagesResponse> ListStages(ListStagesRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () => ToStages(
            await dataPlane.Session.Control.StagesAsync(context.CancellationToken).ConfigureAwait(false), dataPlane.Session.ReadMetrics()));

    public override Task<ListStageKindsResponse> ListStageKinds(ListStageKindsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var list = await dataPlane.Session.Control.StageKindsAsync(context.CancellationToken).ConfigureAwait(false);
            var response = new ListStageKindsResponse();
            response.Kinds.AddRange(list.Kinds.Select(ToKind));
            return response;
        });

    public override Task<ListStagesResponse> SetPlacement(SetPlacementRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            if (request.Placement.Count == 0) throw RpcGuard.Invalid("placement: no chain is given");
            var chains = request.Placement.Select(chain => new ChainPlacement([.. chain.Stages], [.. chain.Lcores.Select(lcore => (int)lcore)]));
            var placement = new PlacementRequest([.. chains]);
            var session = dataPlane.Session;
            var stages = await session.Control.SetPlacementAsync(placement, context.CancellationToken).ConfigureAwait(false);
            dataPlane.Supervisor.Placement = placement;
            return ToStages(stages, session.ReadMetrics());
        });

    public override Task<ListLcoresResponse> ListLcores(ListLcoresRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var session = dataPlane.Session;
            var list = await session.Control.LcoresAsync(context.CancellationToken).ConfigureAwait(false);
            var metrics = session.ReadMetrics();
            var response = new ListLcoresResponse();
            response.Lcores.AddRange(list.Lcores.Select(lcore => ToLcore(lcore, metrics)));
            return response;
        });

    public override Task<ListDropsResponse> ListDrops(ListDropsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var session = dataPlane.Session;
            var list = await session.Control.DropReasonsAsync(context.CancellationToken).ConfigureAwait(false);
            var metrics = session.ReadMetrics();
            var response = new ListDropsResponse();
            foreach (var drop in list.Reasons)
            {
                response.Drops.Add(new DropCount
                {
                    Stage = drop.Stage,
                    Reason = drop.Reason,
                    Description = drop.Description,
                    Packets = MetricQuery.Sum(metrics, "kernelbypass_drop_packets", "reason", drop.Reason),
                });
            }

            return response;
        });

    public override Task<ReadMetricsResponse> ReadMetrics(ReadMetricsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        () =>
        {
            var response = new ReadMetricsResponse();
            foreach (var sample in dataPlane.Session.ReadMetrics().Samples)
            {
                if (!sample.Metric.Name.StartsWith(request.Prefix, StringComparison.Ordinal)) continue;
                var metric = new Metric
                {
                    Name = sample.Metric.Name,
                    Unit = sample.Metric.Unit,
                    Description = sample.Metric.Description,
                    Kind = sample.Metric.Kind == MetricKind.Counter ? "counter" : "gauge",
                    Value = sample.Value,
                };
                for (var i = 0; i < sample.LabelValues.Count; i++) metric.Labels[sample.Metric.Labels[i]] = sample.LabelValues[i];
                response.Metrics.Add(metric);
            }

            return Task.FromResult(response);
        });

    public override Task<ListMacsResponse> ListMacs(ListMacsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var list = await dataPlane.Session.Control.MacsAsync(context.CancellationToken).ConfigureAwait(false);
            var response = new ListMacsResponse { MaxMacs = list.MaxMacs };
            response.Macs.AddRange(list.Macs.Select(mac => new MacEntry { Mac = mac.Mac, Vlan = (uint)mac.Vlan, Port = mac.Port, AgeMs = mac.AgeMs }));
            return response;
        });

    public override Task<FlushMacsResponse> FlushMacs(FlushMacsRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () => new FlushMacsResponse
        {
            Flushed = (await dataPlane.Session.Control.FlushMacsAsync(context.CancellationToken).ConfigureAwait(false)).Flushed,
        });

    /// <summary>Answers also while there is no data plane.</summary>
    public override Task<Status> GetStatus(GetStatusRequest request, ServerCallContext context) => RpcGuard.RunAsync(
        context,
        async () =>
        {
            var supervisor = dataPlane.Supervisor;
            var status = new Status
            {
                Version = DaemonProgram.Release,
                DaemonPid = (uint)Environment.ProcessId,
                DaemonUptimeMs = (ulong)supervisor.UptimeMs,
                DataplaneState = supervisor.State,
                DataplaneRestarts = (uint)supervisor.Restarts,
                LastOutageMs = (ulong)supervisor.LastOutageMs,
                Flows = (ulong)flows.Count,
                MaxFlows = (ulong)flows.Limits.Flows,
            };
            if (supervisor.Session is not { } session) return status;
            var answer = await session.Control.StatusAsync(context.CancellationToken).ConfigureAwait(false);
            status.DpdkVersion = session.Control.DataPlane.DpdkVersion;
            status.DataplanePid = (uint)session.Control.DataPlane.Pid;
            status.DataplaneUptimeMs = answer.UptimeMs;
            status.Flows = answer.Flows;
            status.MaxFlows = answer.MaxFlows;
            return status;
        });

    private static ListStagesResponse ToStages(StageList list, MetricsSnapshot metrics)
    {
        var response = new ListStagesResponse();
        foreach (var stage in list.Stages)
        {
            ulong Sum(string metric) => MetricQuery.Sum(metrics, metric, "stage", stage.Name);
            var packets = Sum("kernelbypass_stage_packets");
            var cycles = Sum("kernelbypass_stage_cycles");
            var message = new Stage
            {
                Index = (uint)stage.Index,
                Name = stage.Name,
                Kind = stage.Kind,
                Packets = packets,
                Drops = Sum("kernelbypass_stage_drop_packets"),
                Bursts = Sum("kernelbypass_stage_bursts"),
                Cycles = cycles,
                CyclesPerPacket = packets == 0 ? 0 : (double)cycles / packets,
                RingUsed = stage.RingUsed,
                RingSize = stage.RingSize,
            };
            message.Lcores.AddRange(stage.Lcores.Select(lcore => (uint)lcore));
            foreach (var (name, value) in stage.Options) message.Options[name] = value;
            response.Stages.Add(message);
        }

        return response;
    }

    private static StageKind ToKind(StageDeclaration declaration)
    {
        var kind = new StageKind { Kind = declaration.Kind, Description = declaration.Description };
        foreach (var option in declaration.Options)
        {
            kind.Options.Add(new StageKind.Types.Option
            {
                Name = option.Name,
                Default = option.Default,
                Minimum = option.Minimum,
                Maximum = option.Maximum,
                Description = option.Description,
            });
        }

        kind.DropReasons.AddRange(declaration.DropReasons.Select(reason => reason.Name));
        kind.Metrics.AddRange(declaration.Metrics.Select(metric => metric.Name));
        return kind;
    }

    private Lcore ToLcore(LcoreDescription lcore, MetricsSnapshot metrics)
    {
        var id = lcore.Id.ToString(null, null);
        ulong Sum(string metric) => MetricQuery.Sum(metrics, metric, "lcore", id);
        var (busy, asleep) = load.Of(id);
        var message = new Lcore
        {
            Id = (uint)lcore.Id,
            Cpu = (uint)lcore.Cpu,
            Role = lcore.Role,
            Load = busy,
            Asleep = asleep,
            Packets = Sum("kernelbypass_lcore_packets"),
            BusyCycles = Sum("kernelbypass_lcore_busy_cycles"),
            IdleCycles = Sum("kernelbypass_lcore_idle_cycles"),
            Sleeps = Sum("kernelbypass_lcore_sleeps"),
            LongestGapNs = Sum("kernelbypass_lcore_longest_gap_ns"),
            RecentGapNs = Sum("kernelbypass_lcore_recent_gap_ns"),
        };
        message.Stages.AddRange(lcore.Stages);
        message.Queues.AddRange(lcore.Queues);
        return message;
    }
}
