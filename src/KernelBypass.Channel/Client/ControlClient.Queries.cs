using KernelBypass.Channel.Messages;

namespace KernelBypass.Channel.Client;

/// <summary>The cold commands. Each throws <see cref="CommandException"/> when the data plane refuses.</summary>
public sealed partial class ControlClient
{
    private static readonly Nothing s_nothing = new();

    private static ChannelJson Json => ChannelJson.Default;

    /// <summary>State, uptime, flows, collections.</summary>
    public Task<StatusAnswer> StatusAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.Status, s_nothing, Json.Nothing, Json.StatusAnswer, _options.CommandTimeout, cancellation);

    /// <summary>The flow tables.</summary>
    public Task<TableList> TablesAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.TableStatus, s_nothing, Json.Nothing, Json.TableList, _options.CommandTimeout, cancellation);

    /// <summary>Attaches a port and starts it.</summary>
    public Task<PortDescription> AttachPortAsync(PortSettings settings, CancellationToken cancellation = default) =>
        QueryAsync(MessageType.PortAttach, settings, Json.PortSettings, Json.PortDescription, _options.PortTimeout, cancellation);

    /// <summary>Stops, closes and detaches a port.</summary>
    public Task DetachPortAsync(string port, CancellationToken cancellation = default) =>
        QueryAsync(
            MessageType.PortDetach, new PortReference(port), Json.PortReference, Json.Done, _options.PortTimeout, cancellation);

    /// <summary>Changes a port.</summary>
    public Task<PortDescription> SetPortAsync(PortChange change, CancellationToken cancellation = default) =>
        QueryAsync(MessageType.PortSet, change, Json.PortChange, Json.PortDescription, _options.PortTimeout, cancellation);

    /// <summary>All ports.</summary>
    public Task<PortList> PortsAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.PortDump, s_nothing, Json.Nothing, Json.PortList, _options.PortTimeout, cancellation);

    /// <summary>A driver's own statistics.</summary>
    public Task<PortXStatsAnswer> PortXStatsAsync(string port, CancellationToken cancellation = default) => QueryAsync(
        MessageType.PortXStats, new PortReference(port), Json.PortReference, Json.PortXStatsAnswer, _options.PortTimeout,
            cancellation);

    /// <summary>Moves stages to other lcores.</summary>
    public Task<StageList> SetPlacementAsync(PlacementRequest placement, CancellationToken cancellation = default) => QueryAsync(
        MessageType.SetPlacement, placement, Json.PlacementRequest, Json.StageList, _options.PortTimeout, cancellation);

    /// <summary>The stages and where they run.</summary>
    public Task<StageList> StagesAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.StageDump, s_nothing, Json.Nothing, Json.StageList, _options.CommandTimeout, cancellation);

    /// <summary>The kinds of stage there are.</summary>
    public Task<StageKindList> StageKindsAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.StageKinds, s_nothing, Json.Nothing, Json.StageKindList, _options.CommandTimeout, cancellation);

    /// <summary>The lcores.</summary>
    public Task<LcoreList> LcoresAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.LcoreDump, s_nothing, Json.Nothing, Json.LcoreList, _options.CommandTimeout, cancellation);

    /// <summary>The reasons for dropping.</summary>
    public Task<DropReasonList> DropReasonsAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.DropReasons, s_nothing, Json.Nothing, Json.DropReasonList, _options.CommandTimeout, cancellation);

    /// <summary>Learnt MAC addresses.</summary>
    public Task<MacList> MacsAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.MacDump, s_nothing, Json.Nothing, Json.MacList, _options.CommandTimeout, cancellation);

    /// <summary>Forgets learnt MAC addresses.</summary>
    public Task<MacFlushed> FlushMacsAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.MacFlush, s_nothing, Json.Nothing, Json.MacFlushed, _options.CommandTimeout, cancellation);

    /// <summary>What would become of a packet.</summary>
    public Task<ExplainAnswer> ExplainAsync(ExplainRequest request, CancellationToken cancellation = default) =>
        QueryAsync(MessageType.Explain, request, Json.ExplainRequest, Json.ExplainAnswer, _options.CommandTimeout, cancellation);

    /// <summary>Starts a trace; its records come by <see cref="IChannelEventHandler.OnTrace"/>.</summary>
    public Task<TraceStarted> StartTraceAsync(TraceRequest request, CancellationToken cancellation = default) =>
        QueryAsync(MessageType.TraceStart, request, Json.TraceRequest, Json.TraceStarted, _options.CommandTimeout, cancellation);

    /// <summary>Ends a trace.</summary>
    public Task StopTraceAsync(uint id, CancellationToken cancellation = default) =>
        QueryAsync(
            MessageType.TraceStop, new StopRequest(id), Json.StopRequest, Json.Done, _options.CommandTimeout, cancellation);

    /// <summary>Starts a capture; its records come by <see cref="IChannelEventHandler.OnCapture"/>.</summary>
    public Task<CaptureStarted> StartCaptureAsync(CaptureRequest request, CancellationToken cancellation = default) =>
        QueryAsync(
            MessageType.CaptureStart, request, Json.CaptureRequest, Json.CaptureStarted, _options.CommandTimeout, cancellation);

    /// <summary>Ends a capture.</summary>
    public Task StopCaptureAsync(uint id, CancellationToken cancellation = default) =>
        QueryAsync(
            MessageType.CaptureStop, new StopRequest(id), Json.StopRequest, Json.Done, _options.CommandTimeout, cancellation);

    /// <summary>Stops receiving, hands on what has been received; the process stays.</summary>
    public Task DrainAsync(CancellationToken cancellation = default) =>
        QueryAsync(MessageType.Drain, s_nothing, Json.Nothing, Json.Done, _options.PortTimeout, cancellation);

    /// <summary>Ends the data plane; <see cref="Closed"/> follows.</summary>
    public Task ShutdownAsync(int drainMs, CancellationToken cancellation = default) => QueryAsync(
        MessageType.Shutdown, new ShutdownRequest(drainMs), Json.ShutdownRequest, Json.Done, _options.PortTimeout, cancellation);

    private Task<HelloAnswer> HelloAsync(CancellationToken cancellation) => QueryAsync(
        MessageType.Hello,
        new HelloRequest(_options.Version, Environment.ProcessId),
        Json.HelloRequest,
        Json.HelloAnswer,
        _options.CommandTimeout,
        cancellation);
}
