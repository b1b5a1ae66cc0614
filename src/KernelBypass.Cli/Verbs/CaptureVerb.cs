using System.CommandLine;
using KernelBypass.Cli.Flows;
using KernelBypass.Cli.Output;
using KernelBypass.Model.Text;
using KernelBypass.V1;
using KernelBypass.Wire;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl capture: packets of ports, stages or drops as pcapng.</summary>
internal sealed class CaptureVerb : IVerb
{
    private readonly Option<string[]> _ports = new("--port", "-p") { Description = "a port's name; may be repeated; none and no stage: all ports" };
    private readonly Option<string[]> _stages = new("--stage", "-s") { Description = "a stage's name (packets as they enter it), or drops" };
    private readonly Option<string> _direction = new("--direction") { Description = "rx, tx or both", DefaultValueFactory = _ => "both" };
    private readonly Option<string?> _match = new("--match", "-m") { Description = "only packets that this match fits" };
    private readonly Option<uint> _snap = new("--snap-length") { Description = "bytes of each packet; 0: all" };
    private readonly Option<ulong> _count = new("--count", "-n") { Description = "stop after so many packets; 0: until Ctrl-C" };
    private readonly Option<double> _seconds = new("--seconds") { Description = "stop after so long; 0: no limit" };
    private readonly Option<string?> _file = new("--write", "-w") { Description = "pcapng file; - is standard output; none: a line a packet" };

    public IReadOnlyList<string> Examples =>
    [
        "capture -p h1 -w h1.pcapng --count 100",
        "capture --stage drops",
        "capture -p h1 -p h2 --direction rx --match tcp,tcp_dst=80 -w - | tshark -r -",
    ];

    public Command Build()
    {
        _direction.AcceptOnlyFromAmong("rx", "tx", "both");
        var command = new Command("capture", "Record packets of ports, stages or drops.")
        {
            _ports, _stages, _direction, _match, _snap, _count, _seconds, _file,
        };
        command.SetAction(Connection.Run(CaptureAsync));
        return command;
    }

    private async Task<int> CaptureAsync(Connection connection)
    {
        var request = await RequestAsync(connection);
        using var call = connection.Packets.Capture(request, connection.Stream);
        using var sink = Open(connection);
        ulong captured = 0, missed = 0;
        try
        {
            while (await call.ResponseStream.MoveNext(connection.Cancellation))
            {
                var packet = call.ResponseStream.Current;
                captured++;
                missed += packet.Missed;
                if (sink is not null) sink.Write(packet);
                else connection.Out.Print(packet, () => connection.Out.Line(Describe(packet)));
            }
        }
        finally
        {
            if (sink is not null)
                await Console.Error.WriteLineAsync($"{captured} packets captured, {missed} missed");
        }

        return ExitCode.Ok;
    }

    private async Task<CaptureRequest> RequestAsync(Connection connection)
    {
        var arguments = connection.Arguments;
        var request = new CaptureRequest
        {
            Direction = arguments.GetValue(_direction) switch
            {
                "rx" => CaptureRequest.Types.Direction.Rx,
                "tx" => CaptureRequest.Types.Direction.Tx,
                _ => CaptureRequest.Types.Direction.Both,
            },
            SnapLength = arguments.GetValue(_snap),
            MaxPackets = arguments.GetValue(_count),
            DurationMs = (ulong)(arguments.GetValue(_seconds) * 1000),
        };
        request.Ports.AddRange(arguments.GetValue(_ports) ?? []);
        request.Stages.AddRange(arguments.GetValue(_stages) ?? []);
        if (arguments.GetValue(_match) is { } text)
            request.Match.AddRange(FlowTextParser.ParseMatch(text, await connection.PortResolverAsync()).Select(ProtoFlow.FromMatch));
        return request;
    }

    private PcapNgSink? Open(Connection connection) => connection.Arguments.GetValue(_file) switch
    {
        null => null,
        "-" => new PcapNgSink(Console.OpenStandardOutput(), flushEach: true),
        var path => new PcapNgSink(File.Create(path), flushEach: false),
    };

    private static string Describe(CapturedPacket packet)
    {
        var time = DateTime.UnixEpoch.AddTicks(packet.TimestampUnixNs / 100);
        var reason = packet.DropReason.Length > 0 ? $" [{packet.DropReason}]" : "";
        return $"{time:HH:mm:ss.ffffff} {packet.Point}{(packet.Outbound ? " out" : "")}{reason} {FrameDissector.Describe(packet.Data.Span)}";
    }
}
