using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Flows;
using KernelBypass.Model.Text;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl explain: what would become of a packet, without sending it.</summary>
internal sealed class ExplainVerb : IVerb
{
    public IReadOnlyList<string> Examples =>
    [
        "explain --in-port 1 tcp,ipv4_src=10.0.0.1,ipv4_dst=10.0.0.2,tcp_dst=80",
        "explain --in-port h1 --pcap trace.pcap --packet 3",
        "explain --in-port 1 ffffffffffff02000000000108060001080006040001",
    ];

    public Command Build()
    {
        var inPort = new Option<string>("--in-port", "-p") { Description = "port that would receive it: name or number", Required = true };
        var pcap = new Option<string?>("--pcap") { Description = "take the packet from a capture file" };
        var number = new Option<int>("--packet") { Description = "which packet of the file, from 1", DefaultValueFactory = _ => 1 };
        var packet = new Argument<string[]>("packet") { Description = "fields as in a match, or the frame in hex", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("explain", "Tables, flows and actions that a packet would meet; exit code 4 if it would be dropped.")
        {
            inPort, pcap, number, packet,
        };
        command.SetAction(Connection.Run(async connection =>
        {
            var arguments = connection.Arguments;
            var text = string.Join(' ', arguments.GetValue(packet) ?? []);
            var bytes = arguments.GetValue(pcap) is { } path ? PacketText.FromPcap(path, arguments.GetValue(number))
                : text.Length > 0 ? PacketText.Parse(text)
                : throw new FormatException("explain: give the packet as fields, as hex or with --pcap");
            var port = await PortNumberAsync(connection, arguments.GetRequiredValue(inPort));
            return await ShowAsync(connection, new ExplainRequest { InPort = port, Packet = Google.Protobuf.ByteString.CopyFrom(bytes) });
        }));
        return command;
    }

    internal static async Task<uint> PortNumberAsync(Connection connection, string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : (await connection.PortResolverAsync())(text) ?? throw new FormatException($"'{text}': no port of that name or number");

    private static async Task<int> ShowAsync(Connection connection, ExplainRequest request)
    {
        var answer = await connection.Trace.ExplainAsync(request, connection.Once);
        connection.Out.Print(answer, () =>
        {
            connection.Out.Line($"packet   {answer.Packet}");
            foreach (var step in answer.Steps) connection.Out.Line($"{step.Kind,-8} {step.Text}");
            foreach (var output in answer.Outputs)
                connection.Out.Line($"leaves   port {FlowTextFormatter.FormatPort(output.Port)}: {Wire.FrameDissector.Describe(output.Packet.Span)}");
            connection.Out.Line($"verdict  {answer.Verdict}");
        });
        return answer.DropReason.Length > 0 ? ExitCode.WouldDrop : ExitCode.Ok;
    }
}
