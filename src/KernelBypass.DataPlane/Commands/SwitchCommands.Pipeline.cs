using KernelBypass.Channel.Messages;
using KernelBypass.DataPlane.Hosting;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.DataPlane.Commands;

/// <summary>Stages, lcores, tables, stations, the process.</summary>
internal sealed partial class SwitchCommands
{
    private bool _drained;

    /// <inheritdoc/>
    public HelloAnswer Hello(HelloRequest request)
    {
        _log.DaemonSaidHello(request.Version, request.Pid);
        return new()
        {
            Version = Release.Version,
            DpdkVersion = Release.DpdkVersion,
            Pid = Environment.ProcessId,
            StartedUnixNs = _runtime.Clock.UnixNs - _runtime.Clock.ElapsedNs,
            Tables = (byte)_runtime.Config.Limits.Tables,
            ActionsPerFlow = _runtime.Config.Limits.ActionsPerFlow,
            MaxFlows = _runtime.Config.Limits.Flows,
            BatchFlows = _runtime.Config.Limits.BatchFlows,
            WorkerLcores = _runtime.FlowStats.Lcores,
            ConfigDigest = _runtime.ConfigDigest,
        };
    }

    /// <inheritdoc/>
    public StatusAnswer Status() => new()
    {
        State = _drained ? "draining" : "running",
        UptimeMs = (ulong)(_runtime.Clock.ElapsedNs / 1_000_000),
        Flows = _runtime.Tables.FlowCount,
        MaxFlows = _runtime.Config.Limits.Flows,
        Ports = _runtime.Engine.Ports.List().Count,
        GcCollections = _runtime.Counters.Collections,
        AllocatedBytes = GC.GetTotalAllocatedBytes(),
    };

    /// <inheritdoc/>
    public TableList Tables()
    {
        var tables = new List<TableDescription>();
        for (var i = 0; i < _runtime.Tables.TableCount; i++)
        {
            var status = _runtime.Tables.Status((byte)i);
            // Lookups and matches are in metrics.shm, by table.
            if (i == 0 || status.Flows > 0) tables.Add(new(i, status.Flows, status.MaxFlows, 0, 0, (uint)status.Masks));
        }

        return new TableList(tables);
    }

    /// <inheritdoc/>
    public StageList SetPlacement(PlacementRequest placement) => Refusing(() =>
    {
        _runtime.Engine.SetPlacement([.. placement.Chains.Select(chain => new ChainSpec(chain.Stages, chain.Lcores))]);
        return Stages();
    });

    /// <inheritdoc/>
    public StageList Stages() => new([.. _runtime.Engine.StageStatuses().Select(stage => new StageDescription
    {
        Index = stage.Index,
        Name = stage.Name,
        Kind = stage.Kind,
        Lcores = stage.Lcores,
        RingUsed = (uint)stage.RingUsed,
        RingSize = (uint)stage.RingSize,
        Options = stage.Options,
    })]);

    /// <inheritdoc/>
    public StageKindList StageKinds() => new([.. StageCatalogue.Default.Kinds.Select(kind => kind.Declaration)]);

    /// <inheritdoc/>
    public LcoreList Lcores() => new([.. _runtime.Engine.Lcores().Select(lcore => new LcoreDescription
    {
        Id = lcore.Id,
        Cpu = lcore.Cpu,
        Role = lcore.Role,
        Stages = lcore.Stages,
        Queues = lcore.Queues,
    })]);

    /// <inheritdoc/>
    public DropReasonList DropReasons() => new([.. StageCatalogue.Default.DropReasons.Select(reason =>
        new DropReasonDescription(reason.StageKind, reason.Declaration.Name, reason.Declaration.Description))]);

    /// <inheritdoc/>
    public MacList Macs()
    {
        var macs = new List<MacDescription>();
        for (var cursor = 0; _runtime.Macs.TryGetNext(ref cursor, out var station);)
            macs.Add(new(TraceText.Mac(station.Mac), station.Vlan, station.Port, station.AgeSeconds * 1000UL));
        return new MacList(macs, (uint)_runtime.Config.Limits.Macs);
    }

    /// <inheritdoc/>
    public MacFlushed FlushMacs() => new((uint)_runtime.Macs.Flush());

    /// <inheritdoc/>
    public ExplainAnswer Explain(ExplainRequest request) =>
        Refusing(() => new Explainer(_runtime).Explain(request.InPort, request.Packet));

    /// <inheritdoc/>
    public TraceStarted StartTrace(TraceRequest request) => Refusing(() => Probes.StartTrace(request));

    /// <inheritdoc/>
    public void StopTrace(uint id) => Probes.StopTrace(id);

    /// <inheritdoc/>
    public CaptureStarted StartCapture(CaptureRequest request) => Refusing(() => Probes.StartCapture(request));

    /// <inheritdoc/>
    public void StopCapture(uint id) => Probes.StopCapture(id);

    /// <inheritdoc/>
    public void Drain() => Refusing(() =>
    {
        foreach (var port in _runtime.Engine.Ports.List())
            _runtime.Engine.Ports.Set(port.Spec.Name, new Pipeline.Ports.PortChange(AdminDown: true));
        _drained = true;
        _runtime.Server.State = Channel.SharedMemory.DataPlaneState.Draining;
        return true;
    });

    /// <inheritdoc/>
    public void Shutdown(int drainMs)
    {
        _log.ShutdownAsked(drainMs);
        DrainMs = Math.Clamp(drainMs, 0, 60_000);
        StopRequested = true;
    }
}
