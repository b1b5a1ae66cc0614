using KernelBypass.Channel.Messages;
using KernelBypass.Channel.Server;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Tests;

/// <summary>A table of flows that is only a list, behind the server's handler: what the channel carries is seen here.</summary>
internal sealed class RecordingHandler : ICommandHandler
{
    private readonly List<byte[]?> _flows = [];

    internal List<string> Attachments { get; } = [];

    internal List<byte[]> PacketOuts { get; } = [];

    internal int Live => _flows.Count(flow => flow is not null);

    /// <summary>Spec bytes that are refused, by their first byte.</summary>
    internal byte Refused { get; init; } = 0xee;

    /// <summary>Steps to run between commands, on the server's thread.</summary>
    internal Action? OnStatus { get; set; }

    internal int CountOnly { get; private set; }

    internal bool DiscardFlows { get; init; }

    public FlowResult AddFlow(ReadOnlySpan<byte> spec)
    {
        if (spec.Length > 0 && spec[0] == Refused) return FlowResult.Failed(new(FlowErrorCode.BadVersion, MatchField.EthDst, 3));
        if (DiscardFlows) return FlowResult.Stands((uint)CountOnly++, 7);
        _flows.Add(spec.ToArray());
        return FlowResult.Stands((uint)_flows.Count - 1, 7);
    }

    public FlowResult ModifyFlow(FlowHandle flow, ReadOnlySpan<byte> spec)
    {
        if (!Stands(flow)) return FlowResult.Failed(new(FlowErrorCode.StaleHandle));
        _flows[(int)flow.Slot] = spec.ToArray();
        return FlowResult.Stands(flow.Slot, flow.Generation);
    }

    public FlowResult DeleteFlow(FlowHandle flow, FlowRemovedReason reason)
    {
        if (!Stands(flow)) return FlowResult.Failed(new(FlowErrorCode.StaleHandle));
        _flows[(int)flow.Slot] = null;
        return FlowResult.Stands(flow.Slot, flow.Generation) with { Packets = 5, Bytes = 6, DurationNs = 7 };
    }

    public BatchCompletion CommitBatch(in FlowBatchItems items, Span<FlowResult> results)
    {
        uint index = 0;
        foreach (var item in items)
        {
            if (item.Type == MessageType.FlowAdd && item.Payload[0] == Refused)
                return new() { FailedIndex = index, Result = FlowResult.Failed(new(FlowErrorCode.Overlap)) };
            index++;
        }

        index = 0;
        foreach (var item in items) results[(int)index++] = AddFlow(item.Payload);
        return new() { Applied = index, Result = FlowResult.Stands(0, 0) };
    }

    public void PublishFlows()
    {
    }

    public uint DumpFlows(uint cursor, ref FlowDumpWriter writer)
    {
        for (; cursor < _flows.Count; cursor++)
        {
            if (_flows[(int)cursor] is { } flow && !writer.TryAdd(new(cursor, 7), 100, 200, flow)) return cursor;
        }

        return FlowDumpHead.End;
    }

    public void PacketOut(uint inPort, ReadOnlySpan<byte> actions, ReadOnlySpan<byte> packet) => PacketOuts.Add(packet.ToArray());

    public void DaemonAttached(int pid) => Attachments.Add($"attached {pid}");

    public void DaemonDetached(string reason) => Attachments.Add(reason);

    public HelloAnswer Hello(HelloRequest request) => new() { Version = "hello " + request.Version, BatchFlows = 1000 };

    public StatusAnswer Status()
    {
        OnStatus?.Invoke();
        return new() { State = "running", Flows = (ulong)Live };
    }

    public TableList Tables() => new([new(0, 1, 2, 3, 4, 5)]);

    public PortDescription AttachPort(PortSettings settings) =>
        throw new CommandException(CommandErrorCode.AlreadyExists, $"port {settings.Name} is there");

    public void DetachPort(string port)
    {
    }

    public PortDescription SetPort(PortChange change) => new() { Settings = new() { Name = change.Port, Mtu = change.Mtu ?? 0 } };

    public PortList Ports() =>
        new([.. Enumerable.Range(0, 5000).Select(i => new PortDescription { Driver = new string('x', 200), NumaNode = i })]);

    public PortXStatsAnswer PortXStats(string port) => new(new Dictionary<string, ulong> { [port] = ulong.MaxValue });

    public StageList SetPlacement(PlacementRequest placement) => new([]);

    public StageList Stages() => new([]);

    public StageKindList StageKinds() => new([]);

    public LcoreList Lcores() => new([]);

    public DropReasonList DropReasons() => new([]);

    public MacList Macs() => new([], 1);

    public MacFlushed FlushMacs() => new(3);

    public ExplainAnswer Explain(ExplainRequest request) => new() { Verdict = $"{request.InPort}/{request.Packet.Length}" };

    public TraceStarted StartTrace(TraceRequest request) => new(1);

    public void StopTrace(uint id)
    {
    }

    public CaptureStarted StartCapture(CaptureRequest request) => new(2);

    public void StopCapture(uint id)
    {
    }

    public void Drain()
    {
    }

    public void Shutdown(int drainMs)
    {
    }

    private bool Stands(FlowHandle flow) =>
        flow.Generation == 7 && flow.Slot < _flows.Count && _flows[(int)flow.Slot] is not null;
}
