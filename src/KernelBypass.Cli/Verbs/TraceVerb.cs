using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Flows;
using KernelBypass.Model.Text;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl trace: what becomes of real packets.</summary>
internal sealed class TraceVerb : IVerb
{
    public IReadOnlyList<string> Examples =>
    [
        "trace --match icmp --count 5",
        "trace --match in_port=h1,tcp,tcp_dst=80 --seconds 10",
        "trace --json",
    ];

    public Command Build()
    {
        var match = new Option<string?>("--match", "-m") { Description = "only packets that this match fits" };
        var count = new Option<uint>("--count", "-n") { Description = "stop after so many packets, at most 10000", DefaultValueFactory = _ => 100 };
        var seconds = new Option<double>("--seconds") { Description = "stop after so long; 0: no limit" };
        var command = new Command("trace", "Follow real packets through stages, tables and actions.") { match, count, seconds };
        command.SetAction(Connection.Run(async connection =>
        {
            var request = new TraceRequest
            {
                MaxPackets = connection.Arguments.GetValue(count),
                DurationMs = (ulong)(connection.Arguments.GetValue(seconds) * 1000),
            };
            if (connection.Arguments.GetValue(match) is { } text)
                request.Match.AddRange(FlowTextParser.ParseMatch(text, await connection.PortResolverAsync()).Select(ProtoFlow.FromMatch));
            using var call = connection.Trace.Trace(request, connection.Stream);
            while (await call.ResponseStream.MoveNext(connection.Cancellation)) Print(connection, call.ResponseStream.Current);
            return ExitCode.Ok;
        }));
        return command;
    }

    private static void Print(Connection connection, TraceRecord record) => connection.Out.Print(record, () =>
    {
        var time = DateTime.UnixEpoch.AddTicks(record.TimestampUnixNs / 100);
        connection.Out.Line(string.Create(
            CultureInfo.InvariantCulture, $"{time:HH:mm:ss.ffffff} lcore {record.Lcore} port {record.InPort}: {record.Packet}"));
        foreach (var step in record.Steps) connection.Out.Line($"  {step.Kind,-8} {step.Text}");
        connection.Out.Line($"  verdict  {record.Verdict}" + (record.Missed > 0 ? $"  ({record.Missed} not traced before this)" : ""));
    });
}
