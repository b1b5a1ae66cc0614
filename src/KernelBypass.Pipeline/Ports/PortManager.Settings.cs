using System.Buffers;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Engine;

namespace KernelBypass.Pipeline.Ports;

// Checks of settings, and changes to them.
public sealed unsafe partial class PortManager
{
    private const int MaxNameLength = 63;
    private const int FrameOverhead = 26; // Ethernet, two tags, FCS

    private static readonly SearchValues<char> s_nameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    /// <summary>
    /// Changes settings. What the device refuses is named, and then nothing is changed. A device that takes an MTU only while
    /// it is stopped
    /// is stopped for it; the other ports go on.
    /// </summary>
    /// <exception cref="PipelineException">No such port, or a setting that cannot be.</exception>
    /// <exception cref="DpdkException">The device refuses.</exception>
    public PortStatus Set(string nameOrNumber, PortChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var port = Require(nameOrNumber);
        var old = port.Spec;
        var wanted = old with
        {
            Mtu = change.Mtu ?? old.Mtu,
            Promiscuous = change.Promiscuous ?? old.Promiscuous,
            AllMulticast = change.AllMulticast ?? old.AllMulticast,
            Mac = change.Mac ?? old.Mac,
            NoFlood = change.NoFlood ?? old.NoFlood,
            AdminDown = change.AdminDown ?? old.AdminDown,
        };
        if (change.Mtu is { } mtu) CheckMtu(mtu, port.Info, old.Name);
        var touched = false;
        try
        {
            Apply(port, wanted, ref touched);
        }
        catch (Exception e) when (e is DpdkException or PipelineException or ArgumentException)
        {
            if (touched) Restore(port, old);
            throw;
        }

        port.Spec = wanted;
        Republish();
        return Notify(PortChangeKind.Changed, port);
    }

    private static void CheckMtu(ushort mtu, PortInfo info, string name)
    {
        var most = Math.Min(Port.MaxMtu, info.MaxMtu);
        var least = Math.Max((ushort)68, info.MinMtu);
        if (mtu < least || mtu > most)
            throw new PipelineException($"Port {name}: mtu is {mtu}; {info.Driver} takes {least} to {most}.");
    }

    private void Apply(AttachedPort port, PortSpec wanted, ref bool touched)
    {
        var old = port.Spec;
        var device = port.Device;
        if (wanted.Mac is { } mac && !mac.Equals(old.Mac)) device.SetMacAddress(mac);
        touched = wanted != old;
        if (wanted.Mtu != old.Mtu) SetMtu(port, wanted);
        if (wanted.AdminDown != old.AdminDown) SetAdminDown(port, wanted);
        if (device.State != PortState.Started) return; // the rest is set at start
        if (wanted.Promiscuous != old.Promiscuous && !device.SetPromiscuous(wanted.Promiscuous) && !wanted.Promiscuous)
            throw new PipelineException($"Port {old.Name}: {device.Driver} cannot turn promiscuous mode off.");
        if (wanted.AllMulticast != old.AllMulticast && !device.SetAllMulticast(wanted.AllMulticast) && !wanted.AllMulticast)
            throw new PipelineException($"Port {old.Name}: {device.Driver} cannot turn allmulticast off.");
    }

    private void SetMtu(AttachedPort port, PortSpec wanted)
    {
        // Larger than one mbuf, a frame takes several: the device must be configured for that.
        var oneSegment = wanted.Mtu + FrameOverhead <= _memory.SegmentBytes;
        if (oneSegment && port.Device.State == PortState.Started)
        {
            try
            {
                port.Device.SetMtu(wanted.Mtu);
                return;
            }
            catch (DpdkException)
            {
                // Only while stopped, then: below.
            }
        }

        var running = port.InUse;
        TakeOutOfUse(port);
        Configure(port, wanted);
        if (port.Configuration.Mtu != wanted.Mtu)
        {
            throw new PipelineException(
                $"Port {wanted.Name}: {port.Device.Driver} keeps mtu {port.Configuration.Mtu}, not {wanted.Mtu}.");
        }
        if (running) TakeIntoUse(port);
    }

    private void SetAdminDown(AttachedPort port, PortSpec wanted)
    {
        if (wanted.AdminDown)
        {
            TakeOutOfUse(port);
            return;
        }

        // Settings made while it was down reach the device with its configuration. Without any it is not set up again: that takes
        // time, and some drivers (net_pcap with infinite_rx) take memory for their queues each time.
        var configured = port.ConfiguredFor;
        if (wanted with { AdminDown = configured.AdminDown, NoFlood = configured.NoFlood } != configured) Configure(port, wanted);
        TakeIntoUse(port);
    }

    private void Configure(AttachedPort port, PortSpec spec)
    {
        port.Configuration = port.Device.Configure(OptionsOf(spec, port.Info));
        port.ConfiguredFor = spec;
    }

    private void TakeOutOfUse(AttachedPort port)
    {
        if (!port.InUse) return;
        port.InUse = false;
        Republish();
        try
        {
            _users.WaitForTurns();
        }
        catch (PipelineException)
        {
            port.InUse = true;
            Republish();
            throw;
        }

        port.Device.Stop();
    }

    private void TakeIntoUse(AttachedPort port)
    {
        port.Device.Start();
        port.InUse = true;
        Republish();
    }

    /// <summary>Puts the device back to what it was, as far as it lets.</summary>
    private void Restore(AttachedPort port, PortSpec old)
    {
        try
        {
            TakeOutOfUse(port);
            Configure(port, old);
            if (!old.AdminDown) TakeIntoUse(port);
        }
        catch (Exception e) when (e is DpdkException or PipelineException)
        {
            throw new PipelineException(
                $"Port {old.Name} refused a setting, and then its old settings too: {e.Message} Detach it.", e);
        }
    }

    private PortSpec Checked(PortSpec spec)
    {
        if (spec.Name.Length is 0 or > MaxNameLength || spec.Name.AsSpan().ContainsAnyExcept(s_nameCharacters))
            throw new PipelineException($"Port name '{spec.Name}': it must be 1 to {MaxNameLength} of [A-Za-z0-9_.-].");
        if (_ports.Values.Any(p => p.Spec.Name == spec.Name))
            throw new PipelineException($"There is a port {spec.Name} already.");
        if (spec.Number > PortSpec.MaxNumber)
        {
            throw new PipelineException(
                $"Port {spec.Name}: number is {spec.Number}; it must be 1 to {PortSpec.MaxNumber}, or 0 for the next free.");
        }
        if (_ports.TryGetValue(spec.Number, out var other))
            throw new PipelineException($"Port {spec.Name}: number {spec.Number} is that of port {other.Spec.Name}.");
        if (string.IsNullOrWhiteSpace(spec.Device))
            throw new PipelineException($"Port {spec.Name}: no device: a PCI address or a vdev, e.g. net_tap0,iface=tap0.");
        if (spec.Number != 0) return spec;
        var number = 1u;
        while (_ports.ContainsKey(number)) number++;
        return spec with { Number = number };
    }

    private PortSpec WithQueues(PortSpec spec, PortInfo info)
    {
        if (spec.RxQueues > info.MaxRxQueues)
        {
            throw new PipelineException(
                $"Port {spec.Name}: rx_queues is {spec.RxQueues}; {info.Driver} has at most {info.MaxRxQueues}.");
        }
        if (spec.TxQueues > info.MaxTxQueues)
        {
            throw new PipelineException(
                $"Port {spec.Name}: tx_queues is {spec.TxQueues}; {info.Driver} has at most {info.MaxTxQueues}.");
        }
        if (spec.Mtu != 0) CheckMtu(spec.Mtu, info, spec.Name);
        return spec with
        {
            RxQueues = spec.RxQueues != 0 ? spec.RxQueues : Automatic(info.MaxRxQueues, info.RssHash != 0),
            TxQueues = spec.TxQueues != 0 ? spec.TxQueues : Automatic(info.MaxTxQueues, true),
            RxDescriptors = spec.RxDescriptors != 0 ? spec.RxDescriptors : DefaultDescriptors,
            TxDescriptors = spec.TxDescriptors != 0 ? spec.TxDescriptors : DefaultDescriptors,
            Mtu = spec.Mtu != 0 ? spec.Mtu : Math.Min(DefaultMtu, info.MaxMtu),
        };
    }

    // Rx queues are of use only where the device spreads over them: without RSS, one.
    private ushort Automatic(ushort most, bool useful) => useful ? (ushort)Math.Clamp(_workers, 1, (int)most) : (ushort)1;

    private PortOptions OptionsOf(PortSpec spec, PortInfo info) => new()
    {
        Mempools = [_memory.RxPool(info.NumaNode)],
        RxQueues = spec.RxQueues,
        TxQueues = spec.TxQueues,
        RxDescriptors = spec.RxDescriptors,
        TxDescriptors = spec.TxDescriptors,
        Mtu = spec.Mtu,
        Offloads = Wanted,
        Rss = spec.RxQueues > 1 && info.RssHash != 0 ? new RssOptions() : null,
        Promiscuous = spec.Promiscuous,
        AllMulticast = spec.AllMulticast,
        MacAddress = spec.Mac,
    };
}
