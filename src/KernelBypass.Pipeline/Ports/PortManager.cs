using System.Globalization;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Engine;

namespace KernelBypass.Pipeline.Ports;

/// <summary>
/// The ports: attach, detach and set them while packets pass. Only the port concerned is taken out of use; the others go on.
/// Used by
/// the main lcore's thread only.
/// </summary>
public sealed unsafe partial class PortManager : IDisposable
{
    private const PortOffload Wanted = PortOffload.TxIpv4Checksum | PortOffload.TxUdpChecksum | PortOffload.TxTcpChecksum |
        PortOffload.TxVlanInsert | PortOffload.TxMultiSegments | PortOffload.RxRssHash;

    private const PortOffload TxOffloads = PortOffload.TxIpv4Checksum | PortOffload.TxUdpChecksum | PortOffload.TxTcpChecksum |
        PortOffload.TxVlanInsert;

    private const ushort DefaultDescriptors = 1024;
    private const ushort DefaultMtu = 1500;

    private readonly IQueueUsers _users;
    private readonly EngineMemory _memory;
    private readonly CounterRegister _counters;
    private readonly int _workers;
    private readonly SortedDictionary<uint, AttachedPort> _ports = [];
    private AttachedPort[] _inOrder = [];
    private readonly Queue<PortNotice> _notices = [];

    internal PortManager(IQueueUsers users, EngineMemory memory, CounterRegister counters, PortDirectory directory, int workers)
    {
        _users = users;
        _memory = memory;
        _counters = counters;
        Directory = directory;
        _workers = workers;
    }

    /// <summary>The ports for the lcores' stages.</summary>
    public PortDirectory Directory { get; }

    /// <summary>Every port as it is, by number.</summary>
    public IReadOnlyList<PortStatus> List() => [.. _ports.Values.Select(p => p.Status())];

    /// <summary>A port by its name, or its number in decimal; null: there is none.</summary>
    public PortStatus? Find(string nameOrNumber) => Lookup(nameOrNumber)?.Status();

    /// <summary>Attaches a device and takes it into use.</summary>
    /// <exception cref="PipelineException">The name, number or device is in use, or a setting is wrong: the message names
    /// it.</exception>
    /// <exception cref="DpdkException">The device cannot be opened: DPDK's own reason.</exception>
    public PortStatus Attach(PortSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        spec = Checked(spec);
        var device = Port.Attach(spec.Device);
        try
        {
            var info = device.GetInfo();
            spec = WithQueues(spec, info);
            var configuration = device.Configure(OptionsOf(spec, info));
            spec = spec with
            {
                Mtu = configuration.Mtu,
                RxDescriptors = configuration.RxDescriptors,
                TxDescriptors = configuration.TxDescriptors,
            };
            var counters = new PortCounters(_counters, spec.Name, Math.Max(spec.RxQueues, spec.TxQueues));
            var port = new AttachedPort(spec, device, configuration, info, counters) { FirstLcore = NextFirstLcore() };
            if (!spec.AdminDown) device.Start();
            port.InUse = !spec.AdminDown;
            _ports.Add(spec.Number, port);
            Republish();
            port.LinkUp = port.InUse && device.GetLink().IsUp;
            return Notify(PortChangeKind.Attached, port);
        }
        catch
        {
            if (!_ports.ContainsKey(spec.Number)) device.Detach();
            throw;
        }
    }

    /// <summary>Takes a port out of use, stops, closes and detaches it.</summary>
    /// <exception cref="PipelineException">There is no such port, or an lcore does not let go of it.</exception>
    public void Detach(string nameOrNumber)
    {
        var port = Require(nameOrNumber);
        var status = port.Status();
        _ports.Remove(port.Spec.Number);
        Republish();
        try
        {
            _users.WaitForTurns();
        }
        catch (PipelineException)
        {
            _ports.Add(port.Spec.Number, port);
            Republish();
            throw;
        }

        port.Device.Detach();
        port.Counters.Remove();
        _notices.Enqueue(new PortNotice(PortChangeKind.Detached, status));
    }

    /// <summary>The next event, oldest first.</summary>
    public bool TryTakeNotice(out PortNotice notice) => _notices.TryDequeue(out notice);

    /// <summary>
    /// Copies the devices' counters to the counter space and looks for link changes; call it about once a second. Allocates
    /// only when a
    /// link changed.
    /// </summary>
    public void Refresh()
    {
        foreach (var port in _inOrder)
        {
            var up = port.InUse && port.Device.GetLink().IsUp;
            port.Counters.Refresh(port.Device, up);
            if (up == port.LinkUp) continue;
            port.LinkUp = up;
            Notify(up ? PortChangeKind.LinkUp : PortChangeKind.LinkDown, port);
        }
    }

    /// <summary>The device's counters now, and the packets that found its tx queue full.</summary>
    /// <exception cref="PipelineException">There is no such port.</exception>
    public PortStats Stats(string nameOrNumber, out ulong txQueueFull)
    {
        var port = Require(nameOrNumber);
        port.Device.GetStats(out var stats);
        txQueueFull = port.Counters.TxQueueFullSum();
        return stats;
    }

    /// <summary>The driver's extended statistics.</summary>
    /// <exception cref="PipelineException">There is no such port.</exception>
    public PortXstats Xstats(string nameOrNumber) => Require(nameOrNumber).Device.GetXstats();

    /// <summary>Detaches every port; nothing runs any more.</summary>
    public void Dispose()
    {
        foreach (var port in _ports.Values) port.Device.Detach();
        _ports.Clear();
        _inOrder = [];
        Directory.Publish([]);
    }

    /// <summary>The queues that lcore <paramref name="index"/> of the first chain's <paramref name="lcores"/> polls.</summary>
    internal RxQueue[] RxQueuesOf(int index, int lcores)
    {
        var queues = new List<RxQueue>();
        foreach (var port in _ports.Values)
        {
            for (ushort q = 0; port.InUse && q < port.Spec.RxQueues; q++)
            {
                if ((port.FirstLcore + q) % lcores == index) queues.Add(new RxQueue(port.Device.Id, q, port.Spec.Number));
            }
        }

        return [.. queues];
    }

    /// <summary>The ports as lcore <paramref name="index"/> of those that send sees them.</summary>
    internal TxPlan TxPlanOf(int index, int[] senders)
    {
        var ports = new List<(uint, TxPort)>();
        foreach (var port in _ports.Values)
        {
            var own = index < port.Spec.TxQueues;
            var offloads = port.Configuration.Offloads;
            ports.Add((port.Spec.Number, new TxPort
            {
                DpdkPort = port.Device.Id,
                Queue = (ushort)(own ? index : 0),
                Up = port.InUse,
                Prepare = (offloads.Granted & TxOffloads) != 0,
                Missing = offloads.Missing & (TxOffloads | PortOffload.TxMultiSegments),
                HandOver = own ? null : _memory.Inbox(senders[index % port.Spec.TxQueues]).Pointer,
                QueueFull = port.Counters.TxQueueFull(senders[index]),
            }));
        }

        return new TxPlan(ports);
    }

    /// <summary>Name of a port by its number; the number where there is none.</summary>
    internal string NameOf(uint number) =>
        _ports.TryGetValue(number, out var port) ? port.Spec.Name : number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Mbufs that the drivers could not have, over all ports of a NUMA node.</summary>
    internal ulong RxNoMbuf(int numaNode)
    {
        var sum = 0ul;
        foreach (var port in _inOrder)
        {
            if (port.Info.NumaNode != numaNode) continue;
            port.Device.GetStats(out var stats);
            sum += stats.RxNoMbuf;
        }

        return sum;
    }

    private PortStatus Notify(PortChangeKind kind, AttachedPort port)
    {
        var status = port.Status();
        _notices.Enqueue(new PortNotice(kind, status));
        return status;
    }

    private int NextFirstLcore()
    {
        var next = 0;
        foreach (var port in _ports.Values) next = Math.Max(next, port.FirstLcore + port.Spec.RxQueues);
        return next;
    }

    private void Republish()
    {
        _inOrder = [.. _ports.Values];
        _users.RepublishQueues();
        Directory.Publish([.. _ports.Values.Select(p => new PortDirectory.Entry(
            p.Spec.Number, p.Device.Id, p.InUse, !p.Spec.NoFlood, (p.Configuration.Offloads.Granted & TxOffloads) != 0))]);
    }

    private AttachedPort? Lookup(string nameOrNumber)
    {
        foreach (var port in _ports.Values)
        {
            if (port.Spec.Name == nameOrNumber) return port;
        }

        return uint.TryParse(nameOrNumber, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? _ports.GetValueOrDefault(number)
            : null;
    }

    private AttachedPort Require(string nameOrNumber) => Lookup(nameOrNumber) ?? throw new PipelineException(
        $"There is no port {nameOrNumber}; there are " +
        $"{string.Join(", ", _ports.Values.Select(p => p.Spec.Name).DefaultIfEmpty("none"))}.");
}
