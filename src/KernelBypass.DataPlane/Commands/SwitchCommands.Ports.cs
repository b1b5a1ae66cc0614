using System.Net.NetworkInformation;
using KernelBypass.Channel.Messages;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Ports;
using ChannelPortChange = KernelBypass.Channel.Messages.PortChange;
using PortChange = KernelBypass.Pipeline.Ports.PortChange;
using PortEvent = KernelBypass.Channel.Messages.PortEvent;
using PortEventKind = KernelBypass.Channel.Messages.PortEventKind;

namespace KernelBypass.DataPlane.Commands;

/// <summary>Ports.</summary>
internal sealed partial class SwitchCommands
{
    /// <inheritdoc/>
    public PortDescription AttachPort(PortSettings settings) => Refusing(() =>
    {
        var ports = _runtime.Engine.Ports.List();
        if (ports.Count >= _runtime.Config.Limits.Ports)
            throw new CommandException(
                CommandErrorCode.ResourceExhausted, $"the switch has {ports.Count} ports: raise limits.ports");
        foreach (var port in ports)
        {
            var clash = port.Spec.Name == settings.Name ? $"name '{settings.Name}'"
                : settings.Number != 0 && port.Spec.Number == settings.Number ? $"number {settings.Number}"
                : port.Spec.Device.Split(',')[0] == settings.Device.Split(',')[0] ? $"device '{settings.Device.Split(',')[0]}'"
                    : null;
            if (clash is not null) throw new CommandException(
                CommandErrorCode.AlreadyExists, $"port {port.Spec.Name} has the {clash} already");
        }

        return Describe(_runtime.Engine.Ports.Attach(SpecOf(settings)));
    });

    /// <inheritdoc/>
    public void DetachPort(string port) => Refusing(() =>
    {
        Require(port);
        _runtime.Engine.Ports.Detach(port);
        return true;
    });

    /// <inheritdoc/>
    public PortDescription SetPort(ChannelPortChange change) => Refusing(() =>
    {
        Require(change.Port);
        var mac = change.Mac is { Length: > 0 } text ? ParseMac(text) : null;
        return Describe(_runtime.Engine.Ports.Set(change.Port, new PortChange(
            Short(change.Mtu, "mtu"), change.Promiscuous, change.Allmulticast, mac, change.NoFlood, change.AdminDown)));
    });

    /// <inheritdoc/>
    public PortList Ports() => new([.. _runtime.Engine.Ports.List().Select(Describe)]);

    /// <inheritdoc/>
    public PortXStatsAnswer PortXStats(string port) => Refusing(() =>
    {
        Require(port);
        var stats = _runtime.Engine.Ports.Xstats(port);
        var values = new ulong[stats.Names.Count];
        stats.Read(values);
        var named = new Dictionary<string, ulong>();
        for (var i = 0; i < values.Length; i++) named[stats.Names[i]] = values[i];
        return new PortXStatsAnswer(named);
    });

    /// <summary>Tells the daemon of what has happened to ports.</summary>
    internal void TellPortNotices()
    {
        while (_runtime.Engine.Ports.TryTakeNotice(out var notice))
            _ = _runtime.Server.TellPort(new PortEvent((PortEventKind)notice.Kind, Describe(notice.Port)));
    }

    /// <summary>Turns the pipeline's and DPDK's own errors into refusals.</summary>
    private static T Refusing<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (PipelineException e)
        {
            throw new CommandException(CommandErrorCode.InvalidArgument, e.Message);
        }
        catch (DpdkException e)
        {
            throw new CommandException(CommandErrorCode.FailedPrecondition, e.Message);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new CommandException(CommandErrorCode.InvalidArgument, e.Message);
        }
    }

    private void Require(string port)
    {
        if (_runtime.Engine.Ports.Find(port) is null) throw new CommandException(
            CommandErrorCode.NotFound, $"there is no port '{port}'");
    }

    private static PortSpec SpecOf(PortSettings settings) => new()
    {
        Name = settings.Name,
        Number = settings.Number,
        Device = settings.Device,
        RxQueues = Short(settings.RxQueues, "rx_queues") ?? 0,
        TxQueues = Short(settings.TxQueues, "tx_queues") ?? 0,
        RxDescriptors = Short(settings.RxDescriptors, "rx_descriptors") ?? 0,
        TxDescriptors = Short(settings.TxDescriptors, "tx_descriptors") ?? 0,
        Mtu = Short(settings.Mtu, "mtu") ?? 0,
        Promiscuous = settings.Promiscuous,
        AllMulticast = settings.Allmulticast,
        Mac = settings.Mac.Length == 0 ? null : ParseMac(settings.Mac),
        NoFlood = settings.NoFlood,
        AdminDown = settings.AdminDown,
    };

    private static PortDescription Describe(PortStatus status) => new()
    {
        Settings = new PortSettings
        {
            Name = status.Spec.Name,
            Number = status.Spec.Number,
            Device = status.Spec.Device,
            RxQueues = status.Spec.RxQueues,
            TxQueues = status.Spec.TxQueues,
            RxDescriptors = status.Spec.RxDescriptors,
            TxDescriptors = status.Spec.TxDescriptors,
            Mtu = status.Spec.Mtu,
            Promiscuous = status.Spec.Promiscuous,
            Allmulticast = status.Spec.AllMulticast,
            Mac = status.Spec.Mac is { } mac ? MacText(mac) : "",
            NoFlood = status.Spec.NoFlood,
            AdminDown = status.Spec.AdminDown,
        },
        LinkUp = status.LinkUp,
        SpeedMbps = status.SpeedMbps,
        FullDuplex = status.FullDuplex,
        Mac = MacText(status.Mac),
        Driver = status.Driver,
        NumaNode = status.NumaNode,
        MaxRxQueues = status.MaxRxQueues,
        MaxTxQueues = status.MaxTxQueues,
        HardwareOffloads = status.HardwareOffloads,
        SoftwareOffloads = status.SoftwareOffloads,
    };

    private static ushort? Short(uint? value, string name) => value switch
    {
        null => null,
        <= ushort.MaxValue => (ushort)value,
        _ => throw new CommandException(CommandErrorCode.InvalidArgument, $"{name} is {value}: at most {ushort.MaxValue}"),
    };

    private static PhysicalAddress ParseMac(string text) =>
        PhysicalAddress.TryParse(text.Replace(':', '-').ToUpperInvariant(), out var mac) && mac.GetAddressBytes().Length == 6
            ? mac : throw new CommandException(CommandErrorCode.InvalidArgument, $"mac '{text}': write it as 02:00:00:00:00:01");

    private static string MacText(PhysicalAddress mac) => Convert.ToHexStringLower(mac.GetAddressBytes()) is { Length: 12 } hex
        ? string.Join(':', Enumerable.Range(0, 6).Select(i => hex.Substring(2 * i, 2))) : "";
}
