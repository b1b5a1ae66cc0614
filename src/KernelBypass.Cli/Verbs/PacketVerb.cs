using System.CommandLine;
using KernelBypass.Cli.Flows;
using KernelBypass.Model.Text;
using KernelBypass.V1;
using KernelBypass.Wire;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl packet: send one, or show packet-ins.</summary>
internal sealed class PacketVerb : IVerb
{
    public IReadOnlyList<string> Examples =>
    [
        "packet out --actions output:2 udp,ipv4_dst=10.0.0.2,udp_dst=53",
        "packet out --actions table --in-port 1 icmp,ipv4_dst=10.0.0.2",
        "packet in",
    ];

    public Command Build() => new("packet", "Packets between switch and controller.") { Out(), In() };

    private static Command Out()
    {
        var actions = new Option<string>("--actions") { Description = "what to do with it: output:2, flood, table, ...", Required = true };
        var inPort = new Option<string?>("--in-port", "-p") { Description = "port it counts as received on" };
        var packet = new Argument<string[]>("packet") { Description = "fields as in a match, or the frame in hex", Arity = ArgumentArity.OneOrMore };
        var command = new Command("out", "Send one packet through actions.") { actions, inPort, packet };
        command.SetAction(Connection.Run(async connection =>
        {
            var arguments = connection.Arguments;
            var request = new PacketOutRequest
            {
                Data = Google.Protobuf.ByteString.CopyFrom(PacketText.Parse(string.Join(' ', arguments.GetRequiredValue(packet)))),
                InPort = arguments.GetValue(inPort) is { } port ? await ExplainVerb.PortNumberAsync(connection, port) : 0,
            };
            var resolver = await connection.PortResolverAsync();
            request.Actions.AddRange(FlowTextParser.ParseActions(arguments.GetRequiredValue(actions), resolver).Select(ProtoFlow.FromAction));
            var answer = await connection.Packets.PacketOutAsync(request, connection.Once);
            connection.Out.Print(answer, () => connection.Out.Line("sent"));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command In()
    {
        var count = new Option<int>("--count", "-n") { Description = "stop after so many; 0: until Ctrl-C" };
        var command = new Command("in", "Print packets that flows send to the controller.") { count };
        command.SetAction(Connection.Run(async connection =>
        {
            using var call = connection.Packets.PacketIns(new PacketInsRequest(), connection.Stream);
            var left = connection.Arguments.GetValue(count);
            while (await call.ResponseStream.MoveNext(connection.Cancellation))
            {
                var packet = call.ResponseStream.Current;
                connection.Out.Print(packet, () => connection.Out.Line(
                    $"port {packet.InPort} table {packet.TableId} cookie 0x{packet.Cookie:x} {packet.Reason}: {FrameDissector.Describe(packet.Data.Span)}"));
                if (--left == 0) break;
            }

            return ExitCode.Ok;
        }));
        return command;
    }
}
