using KernelBypass.Channel.Messages;
using KernelBypass.Model.Declarations;

namespace KernelBypass.FakeDataPlane;

/// <summary>The cold commands.</summary>
public sealed unsafe partial class FakeSwitch
{
    private readonly Dictionary<string, PortDescription> _ports = [];

    /// <summary>Flows in the tables when the first port came up; null before.</summary>
    public int? FlowsAtFirstPortUp { get; private set; }
    private List<StageDescription> _stages =
        [new() { Index = 0, Name = "rx", Kind = "rx", Lcores = [1] }, new() { Index = 1, Name = "tx", Kind = "tx", Lcores = [1] }];

    public HelloAnswer Hello(HelloRequest request) => new()
    {
        Version = "fake",
        DpdkVersion = "none",
        Pid = Environment.ProcessId,
        StartedUnixNs = _started,
        Tables = 64,
        ActionsPerFlow = 64,
        MaxFlows = Slots,
        BatchFlows = 65_536,
        WorkerLcores = 1,
        ConfigDigest = _digest,
    };

    public StatusAnswer Status() => new() { State = "running", UptimeMs = 1, Flows = (ulong)_flows.Count, MaxFlows = Slots, Ports = _ports.Count };

    public TableList Tables() => new([new(0, (ulong)_flows.CountOf(0), Slots, 7, 5, 3)]);

    public PortDescription AttachPort(PortSettings settings)
    {
        if (!settings.AdminDown) FlowsAtFirstPortUp ??= _flows.Count;
        if (settings.Device.StartsWith("net_absent", StringComparison.Ordinal))
            throw new CommandException(CommandErrorCode.FailedPrecondition, $"device '{settings.Device}' cannot be opened: no such device");
        if (_ports.Values.Any(port => port.Settings.Name == settings.Name || port.Settings.Device == settings.Device))
            throw new CommandException(CommandErrorCode.AlreadyExists, $"port '{settings.Name}' or its device is there already");
        var number = settings.Number != 0 ? settings.Number : _ports.Values.Select(port => port.Settings.Number).Append(0u).Max() + 1;
        var port = new PortDescription { Settings = settings with { Number = number }, LinkUp = true, Driver = "fake", Mac = "02:00:00:00:00:01" };
        _ports[settings.Name] = port;
        _server.TellPort(new(PortEventKind.Attached, port));
        return port;
    }

    public void DetachPort(string port)
    {
        var found = Find(port);
        _ports.Remove(found.Settings.Name);
        _server.TellPort(new(PortEventKind.Detached, found));
    }

    public PortDescription SetPort(PortChange change)
    {
        var port = Find(change.Port);
        if (change.AdminDown == false) FlowsAtFirstPortUp ??= _flows.Count;
        port = port with
        {
            Settings = port.Settings with
            {
                Mtu = change.Mtu ?? port.Settings.Mtu,
                NoFlood = change.NoFlood ?? port.Settings.NoFlood,
                AdminDown = change.AdminDown ?? port.Settings.AdminDown,
            },
        };
        _ports[port.Settings.Name] = port;
        _server.TellPort(new(PortEventKind.Changed, port));
        return port;
    }

    public PortList Ports() => new([.. _ports.Values]);

    public PortXStatsAnswer PortXStats(string port) => new(new Dictionary<string, ulong> { [Find(port).Settings.Name + "_good"] = 1 });

    public StageList SetPlacement(PlacementRequest placement)
    {
        foreach (var chain in placement.Chains)
        {
            foreach (var stage in chain.Stages)
            {
                if (_stages.All(known => known.Name != stage))
                    throw new CommandException(CommandErrorCode.InvalidArgument, $"no stage '{stage}'");
                _stages = [.. _stages.Select(known => known.Name == stage ? known with { Lcores = chain.Lcores } : known)];
            }
        }

        return Stages();
    }

    public StageList Stages() => new(_stages);

    public StageKindList StageKinds() =>
        new([new StageDeclaration("rx", "Receives.", [new("burst", 32, 1, 64, "Packets.")], [new("bad", "Bad.")], [])]);

    public LcoreList Lcores() => new([new() { Id = 1, Cpu = 1, Role = "worker", Stages = ["rx", "tx"], Queues = ["p1/0"] }]);

    public DropReasonList DropReasons() => new([new("rx", "bad", "Bad.")]);

    public MacList Macs() => new([new("02:00:00:00:00:09", 0, 1, 5)], 100);

    public MacFlushed FlushMacs() => new(1);

    public ExplainAnswer Explain(ExplainRequest request) => new()
    {
        Packet = $"{request.Packet.Length} bytes",
        Verdict = "dropped",
        DropReason = "table_miss",
        Steps = [new() { Kind = "table", Text = "table 0", TableId = 0, Slot = 0, Generation = 1 }],
    };

    public TraceStarted StartTrace(TraceRequest request) => throw new CommandException(CommandErrorCode.Unimplemented, "the fake traces nothing");

    public void StopTrace(uint id)
    {
    }

    public CaptureStarted StartCapture(CaptureRequest request)
    {
        for (byte i = 0; i < 3; i++)
        {
            var record = new CaptureRecord { CaptureId = 7, TotalLength = 60, Port = 1, Point = CapturePoint.Drop };
            _server.TellCapture(record, new byte[] { i });
        }

        return new(7);
    }

    public void StopCapture(uint id)
    {
    }

    public void Drain()
    {
    }

    public void Shutdown(int drainMs) => _stop = true;

    private PortDescription Find(string name) =>
        _ports.Values.FirstOrDefault(port => port.Settings.Name == name || port.Settings.Number.ToString(null, null) == name)
        ?? throw new CommandException(CommandErrorCode.NotFound, $"no port '{name}'");
}
