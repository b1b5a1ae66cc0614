using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk;

/// <summary>What a port is ready for.</summary>
public enum PortState
{
    /// <summary>Attached: may be configured.</summary>
    Attached,

    /// <summary>Configured: may be started.</summary>
    Configured,

    /// <summary>Started: its queues may be polled.</summary>
    Started,

    /// <summary>Gone.</summary>
    Closed,
}

/// <summary>
/// An ethdev port. Control calls are serialised among all ports and may come from any thread; bursts are the lcores', each
/// queue one lcore's at a time. Before Stop, Close or Detach no lcore may poll the port any more.
/// </summary>
public sealed unsafe partial class Port : IDisposable
{
    private const int MaxPortsOfDevice = 16;
    private const int Exists = 17;

    // DPDK's ethdev control functions are not thread-safe.
    private static readonly Lock s_control = new();

    // One object a port, so that state is not told apart.
    private static readonly Dictionary<ushort, Port> s_ports = [];

    private PortOptions? _options;

    private Port(ushort id)
    {
        Id = id;
        PortInfo info = GetInfo();
        Name = info.Name;
        Driver = info.Driver;
    }

    /// <summary>DPDK's number of the port.</summary>
    public ushort Id { get; }

    /// <summary>Device name: a vdev's name or a PCI address.</summary>
    public string Name { get; }

    /// <summary>The driver, for example "net_tap".</summary>
    public string Driver { get; }

    /// <summary>What it is ready for.</summary>
    public PortState State { get; private set; }

    /// <summary>What the last <see cref="Configure"/> came to, or null.</summary>
    public PortConfiguration? Configuration { get; private set; }

    /// <summary>
    /// The device took <see cref="PortOptions.Promiscuous"/>; false also where it has no address filter at all.
    /// </summary>
    public bool IsPromiscuous => Kb.kb_port_promiscuous(Id) == 1;

    /// <summary>The device took <see cref="PortOptions.AllMulticast"/>.</summary>
    public bool IsAllMulticast => Kb.kb_port_all_multicast(Id) == 1;

    /// <summary>
    /// Attaches a device while running: a PCI address ("0000:03:00.0") or a vdev ("net_tap0,iface=kb0"). Throws
    /// <see cref="DpdkException"/> when it is unknown, there already, or has more than one port (see <see cref="AttachAll"/>).
    /// </summary>
    public static Port Attach(string deviceArguments)
    {
        IReadOnlyList<Port> ports = AttachAll(deviceArguments);
        return ports.Count == 1
            ? ports[0]
            : throw new DpdkException($"Device {deviceArguments} has {ports.Count} ports: use AttachAll.");
    }

    /// <summary>Attaches a device and gives all its ports.</summary>
    public static IReadOnlyList<Port> AttachAll(string deviceArguments)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(deviceArguments);
        RequireEal();
        lock (s_control)
        {
            // DPDK answers a second probe of a device with success.
            HashSet<ushort> known = [.. Enumerate().Select(port => port.Id)];
            ushort* ids = stackalloc ushort[MaxPortsOfDevice];
            int count;
            fixed (byte* text = Kb.Zero(deviceArguments))
                count = Kb.kb_port_attach(text, ids, MaxPortsOfDevice);
            if (count < 0)
                throw AttachFailed(deviceArguments, count);
            if (count is 0 or > MaxPortsOfDevice)
                throw new DpdkException($"Device {deviceArguments} was probed but has {count} ports; 1 to " +
                    $"{MaxPortsOfDevice} can be used.");
            if (known.Contains(ids[0]))
                throw AttachFailed(deviceArguments, -Exists);
            var ports = new List<Port>(count);
            for (int i = 0; i < count; i++)
                ports.Add(Get(ids[i]));
            return ports;
        }
    }

    /// <summary>
    /// Every port there is, those of <see cref="EalOptions.Vdevs"/> and <see cref="EalOptions.AllowPci"/> included.
    /// </summary>
    public static IReadOnlyList<Port> Enumerate()
    {
        lock (s_control)
        {
            var ports = new List<Port>();
            for (ushort id = Kb.kb_port_next(0); id != ushort.MaxValue; id = Kb.kb_port_next((ushort)(id + 1)))
                ports.Add(Get(id));
            return ports;
        }
    }

    /// <summary>Starts the device, then sets promiscuous, allmulticast and the redirection table as configured.</summary>
    public void Start()
    {
        lock (s_control)
        {
            if (State != PortState.Configured)
                throw Wrong("started", PortState.Configured);
            DpdkException.Check(Kb.kb_port_start(Id), $"Port {Name} cannot be started");
            State = PortState.Started;
            ApplyAfterStart(_options!);
            _ = TryGetLink(out _lastLink);
        }
    }

    /// <summary>Stops the device. No lcore may poll it any more.</summary>
    public void Stop()
    {
        lock (s_control)
        {
            if (State != PortState.Started)
                return;
            DpdkException.Check(Kb.kb_port_stop(Id), $"Port {Name} cannot be stopped");
            State = PortState.Configured;
        }
    }

    /// <summary>Stops and closes the port; its device stays with the driver. The object is of no use after.</summary>
    public void Close() => End(Kb.kb_port_close, "closed");

    /// <summary>Stops and closes the port and gives its device back (rte_dev_remove), so that it can be attached again.</summary>
    public void Detach() => End(Kb.kb_port_detach, "detached");

    /// <summary><see cref="Detach"/>.</summary>
    public void Dispose()
    {
        if (State != PortState.Closed && Eal.Current is not null)
            Detach();
    }

    private static Port Get(ushort id)
    {
        if (!s_ports.TryGetValue(id, out Port? port))
            s_ports.Add(id, port = new Port(id));
        return port;
    }

    private static void RequireEal()
    {
        if (Eal.Current is null)
            throw new InvalidOperationException("EAL does not run: call Eal.Initialize first.");
    }

    private static DpdkException AttachFailed(string device, int error)
    {
        const int NoDevice = 19, NoEntry = 2;
        string remedy = Math.Abs(error) switch
        {
            Exists => "It is attached already.",
            NoDevice or NoEntry => "No such device or driver: for PCI compare with lspci -D and bind it to vfio-pci " +
                "(dpdk-devbind.py --status); a vdev is driver and number, for example net_null0.",
            _ => "DPDK's log lines say more.",
        };
        return DpdkException.From($"Device {device} cannot be attached", error, remedy);
    }

    private void End(Func<ushort, int> end, string what)
    {
        lock (s_control)
        {
            if (State == PortState.Closed)
                return;
            if (State == PortState.Started)
                Stop();
            DpdkException.Check(end(Id), $"Port {Name} cannot be {what}");
            State = PortState.Closed;
            s_ports.Remove(Id);
        }
    }

    private InvalidOperationException Wrong(string what, PortState needed) =>
        new($"Port {Name} cannot be {what}: it is {State}, not {needed}.");
}
