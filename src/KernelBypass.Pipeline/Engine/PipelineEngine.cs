using System.Globalization;
using KernelBypass.Dpdk;
using KernelBypass.Dpdk.Native;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// Runs a pipeline on EAL's worker lcores. Everything here is called by one thread, the main lcore's; the lcores meet it only
/// through
/// published snapshots, rings and their <see cref="LcoreBlock"/>.
/// </summary>
/// <example>
/// <code>
/// using var engine = new PipelineEngine(new EngineOptions(), pipeline, StageCatalogue.Default, services, counters);
/// engine.Ports.Attach(new PortSpec { Name = "p0", Device = "net_tap0,iface=tap0" });
/// engine.Start();
/// while (running) { engine.PacketIns.Read(...); engine.Refresh(); }
/// engine.Stop();
/// </code>
/// </example>
public sealed unsafe partial class PipelineEngine : IQueueUsers, IDisposable
{
    private readonly EngineOptions _options;
    private readonly IReadOnlyList<StageSpec> _stages;
    private readonly StageCatalogue _catalogue;
    private readonly StageServices _services;
    private readonly CounterRegister _counters;
    private readonly EngineMemory _memory;
    private readonly GracePeriod _grace;
    private readonly SortedDictionary<int, LcoreWorker> _workers = [];
    private readonly Dictionary<(string Stage, int Lcore), Stage> _instances = [];
    private readonly LcoreWorker[] _allWorkers;
    private PoolGauges[] _poolGauges = [];
    private RingGauges[] _ringGauges = [];
    private Placement _placement;
    private bool _started;
    private bool _disposed;

    /// <summary>Makes mempools, rings and stages; nothing runs yet. EAL must be up.</summary>
    /// <exception cref="PipelineException">The pipeline or its placement cannot be: the message says what and why.</exception>
    public PipelineEngine(
        EngineOptions options, PipelineDescription pipeline, StageCatalogue catalogue, StageServices services,
        ICounterSpace counters)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(pipeline);
        _options = options.Checked();
        _stages = pipeline.Stages;
        _catalogue = catalogue ?? throw new ArgumentNullException(nameof(catalogue));
        _services = services ?? throw new ArgumentNullException(nameof(services));
        _counters = new CounterRegister(counters);
        PlacementCheck.Stages(_stages, catalogue);
        _grace = services.GetOrAdd(() => new GracePeriod());
        var lcores = Lcore.Workers.Select(l => (int)l).ToArray();
        PlacementCheck.Placement(_stages, pipeline.Placement, lcores);
        _memory = new EngineMemory(options);
        foreach (var lcore in lcores)
        {
            var worker = new LcoreWorker(lcore, options, new LcoreMetrics(_counters, lcore));
            worker.UseTraces(_memory.Traces);
            _workers.Add(lcore, worker);
        }

        _allWorkers = [.. _workers.Values];
        Ports = new PortManager(this, _memory, _counters, services.GetOrAdd(() => new PortDirectory()), lcores.Length);
        PacketIns = new PuntReader(_memory.PacketIns);
        Captures = new PuntReader(_memory.Captures);
        _placement = Prepare(pipeline.Placement);
        _placement.Apply();
        _grace.Reset(_placement.Workers);
        RepublishQueues();
        RenewRingGauges();
    }

    /// <summary>Attach, detach, set; the port directory.</summary>
    public PortManager Ports { get; }

    /// <summary>For the tables' reclamation.</summary>
    public IGracePeriod GracePeriod => _grace;

    /// <summary>Packets for the controller.</summary>
    public PuntReader PacketIns { get; }

    /// <summary>Captured packets.</summary>
    public PuntReader Captures { get; }

    /// <summary>Records of traced packets.</summary>
    public TraceTable Traces => _memory.Traces;

    /// <summary>Captured packets that were lost, by the capture's number.</summary>
    public CaptureMisses CaptureMisses => _memory.CaptureMisses;

    /// <summary>The chains in force.</summary>
    public IReadOnlyList<ChainSpec> Placement => _placement.Chains;

    /// <summary>The stages, in the order of a packet's way.</summary>
    public IReadOnlyList<StageSpec> Stages => _stages;

    /// <summary>Launches the lcores.</summary>
    public void Start()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_started) return;
        _started = true;
        _placement.Launch();
    }

    /// <summary>
    /// Stops the lcores, producers first: what was received is sent.
    /// </summary>
    /// <exception cref="PipelineException">An lcore did not stop in time; those that had are running again.</exception>
    public void Stop()
    {
        if (!_started) return;
        StopLcores();
        _started = false;
        // All stopped with empty rings: whatever waits for a grace period may go.
        _grace.Reset(_placement.Workers);
    }

    /// <summary>
    /// A new mbuf with <paramref name="bytes"/>, for a packet-out, from the copy mempool; null and false when that is empty or
    /// the bytes do
    /// not fit one mbuf.
    /// </summary>
    public bool TryMakePacket(ReadOnlySpan<byte> bytes, uint inPort, out Mbuf packet)
    {
        packet = _memory.CopyPool.Allocate();
        if (packet.IsNull) return false;
        if (bytes.Length > packet.Tailroom)
        {
            packet.Free();
            packet = default;
            return false;
        }

        bytes.CopyTo(new Span<byte>(packet.Append((ushort)bytes.Length), bytes.Length));
        ref var meta = ref packet.Private<PacketMeta>();
        meta = default;
        meta.InPort = inPort;
        meta.WireLength = (uint)bytes.Length;
        return true;
    }

    /// <summary>
    /// Sends a packet whose meta has OutPort. False, and the packet is still the caller's, when the ring is full.
    /// </summary>
    public bool TrySend(Mbuf packet)
    {
        var last = _placement.Workers[^1];
        return _memory.Inbox(last[0].Lcore).EnqueueBurst(&packet, 1) == 1;
    }

    /// <summary>
    /// Lets a packet enter the pipeline as if the port in its meta's InPort had received it (output TABLE of a packet-out).
    /// False, and
    /// the packet is still the caller's, when the ring is full.
    /// </summary>
    public bool TryInject(Mbuf packet) => _memory.StartInbox.EnqueueBurst(&packet, 1) == 1;

    /// <summary>Stops, gives back rings and mempools; ports are detached.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        Stop();
        _disposed = true;
        Ports.Dispose();
        _placement.Dispose();
        _memory.Dispose();
        foreach (var stage in _instances.Values.OfType<IDisposable>()) stage.Dispose();
        foreach (var worker in _workers.Values) worker.Dispose();
    }

    private StageSlot MakeSlot(string name, LcoreWorker worker)
    {
        var index = 0;
        while (_stages[index].Name != name) index++;
        var spec = _stages[index];
        if (!_instances.TryGetValue((name, worker.Lcore), out var stage))
        {
            var kind = _catalogue.Find(spec.Kind)!;
            var context = new EngineStageContext(
                worker, spec, kind, _catalogue.FirstDropReason(spec.Kind), _counters, _memory);
            stage = kind.Create(context, _services);
            _instances.Add((name, worker.Lcore), stage);
        }

        return new StageSlot(stage, index, name, worker.Lcore, _counters);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
