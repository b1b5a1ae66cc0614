using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl port: list, attach, detach, set, stats, xstats, watch.</summary>
internal sealed class PortVerb : IVerb
{
    private readonly Argument<string> _name = new("name") { Description = "port name or number" };
    private readonly Option<uint?> _mtu = new("--mtu") { Description = "layer 3 bytes, 68 to 9000" };
    private readonly Option<bool?> _promiscuous = new("--promiscuous") { Description = "receive every frame: true or false" };
    private readonly Option<bool?> _allmulticast = new("--allmulticast") { Description = "receive every multicast: true or false" };
    private readonly Option<string?> _mac = new("--mac") { Description = "aa:bb:cc:dd:ee:ff" };
    private readonly Option<bool?> _noFlood = new("--no-flood") { Description = "leave out of flood: true or false" };
    private readonly Option<bool?> _down = new("--down") { Description = "administratively down: true or false" };

    public IReadOnlyList<string> Examples =>
    [
        "port list",
        "port attach uplink 0000:03:00.0 --mtu 9000",
        "port attach lab net_af_packet0,iface=veth0 --number 7",
        "port set lab --down true",
        "port stats lab",
        "port xstats uplink",
        "port detach lab",
        "port watch --json",
    ];

    public Command Build() => new("port", "The switch's ports.")
    {
        Simple("list", "Ports with their device, link and settings.", ListAsync),
        Attach(),
        Named("detach", "Stop and detach a port.", DetachAsync),
        Set(),
        Statistics(),
        Named("xstats", "The driver's own statistics.", XStatsAsync),
        Simple("watch", "Print the ports, then every change, until Ctrl-C.", WatchAsync),
    };

    private static Command Simple(string name, string description, Func<Connection, Task<int>> action)
    {
        var command = new Command(name, description);
        command.SetAction(Connection.Run(action));
        return command;
    }

    private Command Named(string name, string description, Func<Connection, string, Task<int>> action)
    {
        var command = new Command(name, description) { _name };
        command.SetAction(Connection.Run(connection => action(connection, connection.Arguments.GetRequiredValue(_name))));
        return command;
    }

    private Command Attach()
    {
        var device = new Argument<string>("device") { Description = "PCI address or vdev with arguments, as in DPDK" };
        var number = new Option<uint>("--number") { Description = "port number for flows; default: the next free" };
        var queues = new Option<uint>("--queues") { Description = "rx and tx queues; default: one a worker lcore" };
        var command = new Command("attach", "Attach a device as a port while traffic runs.")
        {
            _name, device, number, queues, _mtu, _promiscuous, _allmulticast, _mac, _noFlood, _down,
        };
        command.SetAction(Connection.Run(async connection =>
        {
            var arguments = connection.Arguments;
            var config = new PortConfig
            {
                Name = arguments.GetRequiredValue(_name),
                Device = arguments.GetRequiredValue(device),
                Number = arguments.GetValue(number),
                RxQueues = arguments.GetValue(queues),
                TxQueues = arguments.GetValue(queues),
                Mtu = arguments.GetValue(_mtu) ?? 0,
                Promiscuous = arguments.GetValue(_promiscuous) ?? false,
                Allmulticast = arguments.GetValue(_allmulticast) ?? false,
                Mac = arguments.GetValue(_mac) ?? "",
                NoFlood = arguments.GetValue(_noFlood) ?? false,
                AdminDown = arguments.GetValue(_down) ?? false,
            };
            var port = await connection.Ports.AttachAsync(new AttachPortRequest { Config = config }, connection.Once);
            connection.Out.Print(port, () => Table(connection, [port]));
            return ExitCode.Ok;
        }));
        return command;
    }

    private Command Set()
    {
        var command = new Command("set", "Change settings of a port.") { _name, _mtu, _promiscuous, _allmulticast, _mac, _noFlood, _down };
        command.SetAction(Connection.Run(async connection =>
        {
            var arguments = connection.Arguments;
            var request = new SetPortRequest { Port = arguments.GetRequiredValue(_name) };
            if (arguments.GetValue(_mtu) is { } mtu) request.Mtu = mtu;
            if (arguments.GetValue(_promiscuous) is { } promiscuous) request.Promiscuous = promiscuous;
            if (arguments.GetValue(_allmulticast) is { } allmulticast) request.Allmulticast = allmulticast;
            if (arguments.GetValue(_mac) is { } mac) request.Mac = mac;
            if (arguments.GetValue(_noFlood) is { } noFlood) request.NoFlood = noFlood;
            if (arguments.GetValue(_down) is { } down) request.AdminDown = down;
            if (request.Equals(new SetPortRequest { Port = request.Port })) throw new FormatException("port set: nothing to change is given");
            var port = await connection.Ports.SetAsync(request, connection.Once);
            connection.Out.Print(port, () => Table(connection, [port]));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command Statistics()
    {
        var names = new Argument<string[]>("names") { Description = "port names or numbers; none: all", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("stats", "Packets, bytes and losses of ports.") { names };
        command.SetAction(Connection.Run(connection => PrintStatsAsync(connection, connection.Arguments.GetValue(names) ?? [])));
        return command;
    }

    internal static async Task<int> PrintStatsAsync(Connection connection, string[] names)
    {
        var request = new PortStatsRequest();
        request.Ports.AddRange(names);
        var answer = await connection.Ports.StatsAsync(request, connection.Once);
        connection.Out.Print(answer, () => connection.Out.Table(
            ["PORT", "NAME", "RX-PACKETS", "RX-BYTES", "TX-PACKETS", "TX-BYTES", "RX-MISSED", "RX-ERRORS", "NO-MBUF", "TX-FULL"],
            answer.Ports.Select(port => (IReadOnlyList<string>)
            [
                Text(port.Number), port.Name, Writer.Number(port.RxPackets), Writer.Number(port.RxBytes), Writer.Number(port.TxPackets),
                Writer.Number(port.TxBytes), Writer.Number(port.RxMissed), Writer.Number(port.RxErrors), Writer.Number(port.RxNoMbuf),
                Writer.Number(port.TxQueueFull),
            ])));
        return ExitCode.Ok;
    }

    private static async Task<int> ListAsync(Connection connection)
    {
        var answer = await connection.Ports.ListAsync(new ListPortsRequest(), connection.Once);
        connection.Out.Print(answer, () => Table(connection, answer.Ports));
        return ExitCode.Ok;
    }

    private static async Task<int> DetachAsync(Connection connection, string name)
    {
        var answer = await connection.Ports.DetachAsync(new DetachPortRequest { Port = name }, connection.Once);
        connection.Out.Print(answer, () => connection.Out.Line($"port {name} detached"));
        return ExitCode.Ok;
    }

    private static async Task<int> XStatsAsync(Connection connection, string name)
    {
        var answer = await connection.Ports.XStatsAsync(new PortXStatsRequest { Port = name }, connection.Once);
        connection.Out.Print(answer, () => connection.Out.Table(
            ["NAME", "VALUE"],
            answer.Xstats.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (IReadOnlyList<string>)[pair.Key, Writer.Number(pair.Value)])));
        return ExitCode.Ok;
    }

    private static async Task<int> WatchAsync(Connection connection)
    {
        using var call = connection.Ports.Watch(new WatchPortsRequest(), connection.Stream);
        while (await call.ResponseStream.MoveNext(connection.Cancellation))
        {
            var change = call.ResponseStream.Current;
            connection.Out.Print(change, () => connection.Out.Line(
                $"{change.Type.ToString().ToLowerInvariant(),-10} {change.Port.Config.Number,5} {change.Port.Config.Name}"));
        }

        return ExitCode.Ok;
    }

    private static void Table(Connection connection, IEnumerable<Port> ports) => connection.Out.Table(
        ["PORT", "NAME", "LINK", "SPEED", "MTU", "MAC", "QUEUES", "DRIVER", "DEVICE"],
        ports.OrderBy(port => port.Config.Number).Select(port => (IReadOnlyList<string>)
        [
            Text(port.Config.Number), port.Config.Name,
            port.Config.AdminDown ? "admin-down" : port.Status.LinkUp ? "up" : "down",
            port.Status.SpeedMbps == 0 ? "-" : $"{port.Status.SpeedMbps / 1000.0:0.#}G",
            Text(port.Config.Mtu), port.Status.Mac, $"{port.Config.RxQueues}+{port.Config.TxQueues}", port.Status.Driver, port.Config.Device,
        ]));

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
