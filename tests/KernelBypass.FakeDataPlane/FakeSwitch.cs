using KernelBypass.Channel;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.Server;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Declarations;
using KernelBypass.Model.Flows;

namespace KernelBypass.FakeDataPlane;

/// <summary>
/// The data plane's end of the channel with flows in memory and no packets. A packet-out comes back as a packet-in. A port whose
/// device is net_absent cannot be opened. A flow whose cookie is 0xdead is refused as if its table were full.
/// </summary>
public sealed unsafe partial class FakeSwitch : ICommandHandler, IDisposable
{
    public const ulong RefusedCookie = 0xdead;
    private const uint Slots = 2_000_000;
    private const int SweepMs = 20;
    private readonly ControlServer _server;
    private readonly MetricsWriter _metrics;
    private readonly FlowStatsWriter _stats;
    private readonly ulong* _rxPackets;
    private readonly ulong* _gap;
    private readonly FlowStore _flows = new();
    private readonly Dictionary<uint, (long Created, uint HardSeconds)> _times = [];
    private readonly Stack<uint> _free = new();
    private readonly long _started = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000_000;
    private readonly string _digest;
    private uint[] _generations = new uint[1024];
    private uint _nextSlot;
    private long _nextSweep;
    private volatile bool _stop;

    public FakeSwitch(string directory, string digest)
    {
        Directory = directory;
        _digest = digest;
        var run = new RunDirectory(directory);
        _server = ControlServer.Create(run, new ChannelOptions());
        _metrics = MetricsWriter.Create(run);
        _stats = FlowStatsWriter.Create(run, 1, Slots);
        _rxPackets = _metrics.Add(
            0, new("kernelbypass_port_rx_packets", "{packet}", "Packets received.", MetricKind.Counter, "port"), "p1");
        _gap = _metrics.Add(
            0, new("kernelbypass_lcore_longest_gap_ns", "ns", "Longest time between two loop turns.", MetricKind.Gauge, "lcore"), "1");
        *_rxPackets = 42;
        *_gap = 1_500;
        _server.State = DataPlaneState.Running;
    }

    public string Directory { get; }

    /// <summary>Serves until shut down.</summary>
    public void Run()
    {
        while (!_stop)
        {
            if (_server.Poll(this, 4096) == 0) _server.Wait(SweepMs * 1000);
            else _server.RingDaemon();
            Sweep();
        }
    }

    public void Dispose()
    {
        _server.Dispose();
        _metrics.Dispose();
        _stats.Dispose();
    }

    public FlowResult AddFlow(ReadOnlySpan<byte> spec)
    {
        FlowKey key = default, mask = default;
        var error = FlowSpecDecoder.TryDecode(spec, FlowLimits.Default, out var head, ref key, ref mask);
        if (!error.IsOk) return FlowResult.Failed(error);
        if (head.Cookie == RefusedCookie) return FlowResult.Failed(new(FlowErrorCode.TableFull));
        var known = _flows.Find(FlowIdentity.Of(spec));
        var slot = _free.Count > 0 ? _free.Pop() : _nextSlot++;
        _stats.TryReserve(slot);
        if (slot >= _generations.Length) Array.Resize(ref _generations, _generations.Length * 2);
        var handle = new FlowHandle(slot, ++_generations[slot]);
        var result = FlowResult.Stands(handle.Slot, handle.Generation);
        var counters = default(FlowCounters);
        if (known != FlowStore.None)
        {
            var old = _flows.Handle(known);
            counters = _stats.ForLcore(0)[old.Slot];
            result.ReplacedSlot = old.Slot;
            result.ReplacedGeneration = old.Generation;
            TellRemoved(old, _flows.Spec(known), FlowRemovedReason.Replaced);
            Free(old);
            if ((head.Flags & FlowFlags.ResetCounts) != 0) counters = default;
        }

        _stats.ForLcore(0)[slot] = counters;
        _flows.Put(spec, handle);
        if (head.HardTimeoutSeconds != 0) _times[slot] = (Environment.TickCount64, head.HardTimeoutSeconds);
        return result;
    }

    public FlowResult ModifyFlow(FlowHandle flow, ReadOnlySpan<byte> spec)
    {
        var index = _flows.Find(flow);
        if (index == FlowStore.None) return FlowResult.Failed(new(FlowErrorCode.StaleHandle));
        _flows.Put(spec, flow);
        _stats.ForLcore(0)[flow.Slot].Packets++;
        return FlowResult.Stands(flow.Slot, flow.Generation);
    }

    public FlowResult DeleteFlow(FlowHandle flow, FlowRemovedReason reason)
    {
        var index = _flows.Find(flow);
        if (index == FlowStore.None) return FlowResult.Failed(new(FlowErrorCode.StaleHandle));
        var counters = _stats.ForLcore(0)[flow.Slot];
        _flows.Remove(index);
        Free(flow);
        return FlowResult.Stands(flow.Slot, flow.Generation) with { Packets = counters.Packets, Bytes = counters.Bytes, DurationNs = 1 };
    }

    public BatchCompletion CommitBatch(in FlowBatchItems items, Span<FlowResult> results)
    {
        // All or nothing, by looking first: only an add can fail, and only for what it says itself.
        var index = 0u;
        foreach (var item in items)
        {
            var refused = item.Type == MessageType.FlowAdd && FlowSpecDecoder.TryReadHeader(item.Payload, out var head) && head.Cookie == RefusedCookie;
            if (refused) return new() { FailedIndex = index, Result = FlowResult.Failed(new(FlowErrorCode.TableFull)) };
            index++;
        }

        index = 0;
        foreach (var item in items)
        {
            results[(int)index++] = item.Type switch
            {
                MessageType.FlowAdd => AddFlow(item.Payload),
                MessageType.FlowModify when FlowModifyCommand.TryDecode(item.Payload, out var flow, out var spec) => ModifyFlow(flow, spec),
                _ when FlowDeleteCommand.TryDecode(item.Payload, out var command) => DeleteFlow(command.Flow, command.Reason),
                _ => FlowResult.Failed(new(FlowErrorCode.Truncated)),
            };
        }

        return new() { Applied = index, Result = FlowResult.Stands(0, 0) };
    }

    public uint DumpFlows(uint cursor, ref FlowDumpWriter writer)
    {
        for (; cursor < _flows.End; cursor++)
        {
            if (!_flows.Holds((int)cursor)) continue;
            if (!writer.TryAdd(_flows.Handle((int)cursor), _started, _started, _flows.Spec((int)cursor))) return cursor;
        }

        return FlowDumpHead.End;
    }

    public void PacketOut(uint inPort, ReadOnlySpan<byte> actions, ReadOnlySpan<byte> packet) => _server.TellPacketIn(
        new PacketInRecord { InPort = inPort, TotalLength = (uint)packet.Length, Reason = PacketInReason.Action, Cookie = packet[0] }, packet);

    public void PublishFlows()
    {
    }

    public void DaemonAttached(int pid)
    {
    }

    public void DaemonDetached(string reason)
    {
    }

    private void Sweep()
    {
        if (Environment.TickCount64 < _nextSweep) return;
        _nextSweep = Environment.TickCount64 + SweepMs;
        foreach (var (slot, (created, seconds)) in _times.ToList())
        {
            if (Environment.TickCount64 - created < seconds * 1000) continue;
            var handle = new FlowHandle(slot, _generations[slot]);
            var index = _flows.Find(handle);
            TellRemoved(handle, _flows.Spec(index), FlowRemovedReason.HardTimeout);
            _flows.Remove(index);
            Free(handle);
        }
    }

    private void TellRemoved(FlowHandle flow, ReadOnlySpan<byte> spec, FlowRemovedReason reason)
    {
        FlowSpecDecoder.TryReadHeader(spec, out var head);
        var counters = _stats.ForLcore(0)[flow.Slot];
        _server.TellFlowRemoved(new FlowRemovedEvent
        {
            Flow = flow,
            Cookie = head.Cookie,
            Packets = counters.Packets,
            Bytes = counters.Bytes,
            DurationNs = 1,
            Reason = reason,
            TableId = head.TableId,
            Priority = head.Priority,
        });
    }

    private void Free(FlowHandle flow)
    {
        _times.Remove(flow.Slot);
        _free.Push(flow.Slot);
    }
}
