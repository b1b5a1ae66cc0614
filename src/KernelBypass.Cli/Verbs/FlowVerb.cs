using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Flows;
using KernelBypass.Cli.Output;
using KernelBypass.Model.Text;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl flow: add, mod, del, list, load, watch.</summary>
internal sealed class FlowVerb : IVerb
{
    private readonly Argument<string[]> _flow = new("flow")
    {
        Description = "the flow, e.g. table=0,priority=10,ip,ipv4_dst=10.0.0.0/8 actions=output:2",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _strict = new("--strict") { Description = "only the flow of exactly this table, priority and match" };

    public IReadOnlyList<string> Examples =>
    [
        "flow add in_port=1 actions=output:2",
        "flow add table=0,priority=100,tcp,tcp_dst=80 actions=set_field:eth_dst=02:00:00:00:00:02,dec_ttl,output:h2",
        "flow add priority=0 actions=normal",
        "flow mod tcp,tcp_dst=80 actions=drop",
        "flow del --strict priority=100,tcp,tcp_dst=80",
        "flow del --cookie 0x2a/0xff",
        "flow del --all",
        "flow list --table 0 --match ip,ipv4_dst=10.1.0.0/16",
        "flow load flows.txt",
        "flow watch",
    ];

    public Command Build() => new("flow", "The flow tables' entries.") { Add(), Modify(), Delete(), List(), FlowLoadCommand.Build(), Watch() };

    private Command Add()
    {
        var command = new Command("add", "Add a flow; one of the same table, priority and match is replaced.") { _flow };
        command.SetAction(Connection.Run(connection => WriteAsync(connection, FlowUpdate.Types.Type.Insert)));
        return command;
    }

    private Command Modify()
    {
        var command = new Command("mod", "Change the actions of the flows that the match covers.") { _flow, _strict };
        command.SetAction(Connection.Run(connection => WriteAsync(
            connection,
            connection.Arguments.GetValue(_strict) ? FlowUpdate.Types.Type.ModifyStrict : FlowUpdate.Types.Type.Modify)));
        return command;
    }

    private async Task<int> WriteAsync(Connection connection, FlowUpdate.Types.Type type)
    {
        var text = string.Join(' ', connection.Arguments.GetRequiredValue(_flow));
        var spec = await FlowLoadCommand.ParseFlowAsync(connection, text);
        var request = new WriteRequest { Atomicity = WriteRequest.Types.Atomicity.AllOrNothing };
        request.Updates.Add(new FlowUpdate { Type = type, Flow = ProtoFlow.FromSpec(spec) });
        var answer = await connection.Flows.WriteAsync(request, connection.Once);
        var affected = answer.Results.Sum(result => result.Affected);
        connection.Out.Print(answer, () => connection.Out.Line(
            type == FlowUpdate.Types.Type.Insert ? "added" : string.Create(CultureInfo.InvariantCulture, $"{affected} changed")));
        return ExitCode.Ok;
    }

    private Command Delete()
    {
        var match = new Argument<string[]>("match") { Description = "table, priority (with --strict) and match", Arity = ArgumentArity.ZeroOrMore };
        var cookie = new Option<string?>("--cookie") { Description = "COOKIE[/MASK]" };
        var all = new Option<bool>("--all") { Description = "every flow of every table" };
        var command = new Command("del", "Delete flows.") { match, cookie, all, _strict };
        command.SetAction(Connection.Run(async connection =>
        {
            var text = string.Join(' ', connection.Arguments.GetValue(match) ?? []);
            if (connection.Arguments.GetValue(_strict)) return await DeleteStrictAsync(connection, text);
            var everything = connection.Arguments.GetValue(all);
            var cookieText = connection.Arguments.GetValue(cookie);
            if (text.Length == 0 && cookieText is null && !everything)
                throw new FormatException("flow del: say which (a match, table=N or --cookie), or --all");
            var request = new DeleteFlowsRequest { All = everything, Filter = await FilterAsync(connection, text, cookieText) };
            var answer = await connection.Flows.DeleteAsync(request, connection.Once);
            connection.Out.Print(answer, () => connection.Out.Line($"{Writer.Number(answer.Deleted)} deleted"));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static async Task<int> DeleteStrictAsync(Connection connection, string text)
    {
        var spec = FlowTextParser.Parse(text + " actions=drop", await connection.PortResolverAsync());
        var request = new WriteRequest { Atomicity = WriteRequest.Types.Atomicity.AllOrNothing };
        request.Updates.Add(new FlowUpdate { Type = FlowUpdate.Types.Type.DeleteStrict, Flow = ProtoFlow.FromSpec(spec) });
        var answer = await connection.Flows.WriteAsync(request, connection.Once);
        connection.Out.Print(answer, () => connection.Out.Line("1 deleted"));
        return ExitCode.Ok;
    }

    private static Command List()
    {
        var table = new Option<uint?>("--table") { Description = "only this table" };
        var match = new Option<string?>("--match") { Description = "only flows that this match covers" };
        var cookie = new Option<string?>("--cookie") { Description = "COOKIE[/MASK]" };
        var limit = new Option<ulong>("--limit") { Description = "at most so many; 0: all" };
        var command = new Command("list", "Flows with their counters.") { table, match, cookie, limit };
        command.SetAction(Connection.Run(async connection =>
        {
            var arguments = connection.Arguments;
            var filter = await FilterAsync(connection, arguments.GetValue(match) ?? "", arguments.GetValue(cookie));
            if (arguments.GetValue(table) is { } number) filter.TableId = number;
            var request = new ReadFlowsRequest { Filter = filter, Limit = arguments.GetValue(limit) };
            using var call = connection.Flows.Read(request, connection.Stream);
            while (await call.ResponseStream.MoveNext(connection.Cancellation))
                foreach (var entry in call.ResponseStream.Current.Flows)
                    connection.Out.Print(entry, () => connection.Out.Line(Describe(entry)));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command Watch()
    {
        var all = new Option<bool>("--all") { Description = "also flows without send_flow_removed" };
        var command = new Command("watch", "Print flows as they leave the tables, until Ctrl-C.") { all };
        command.SetAction(Connection.Run(async connection =>
        {
            using var call = connection.Flows.Watch(new WatchFlowsRequest { All = connection.Arguments.GetValue(all) }, connection.Stream);
            while (await call.ResponseStream.MoveNext(connection.Cancellation))
            {
                var change = call.ResponseStream.Current;
                connection.Out.Print(change, () => connection.Out.Line(
                    $"{change.Reason} {Describe(new FlowEntry { Flow = change.Flow, Stats = change.FinalStats })}"
                    + (change.Missed > 0 ? $" ({change.Missed} events lost before)" : "")));
            }

            return ExitCode.Ok;
        }));
        return command;
    }

    internal static string Describe(FlowEntry entry)
    {
        var stats = entry.Stats ?? new FlowStats();
        return $"packets={stats.Packets} bytes={stats.Bytes} age={Writer.Duration(stats.DurationNs)} "
            + FlowTextFormatter.Format(ProtoFlow.ToSpec(entry.Flow));
    }

    private static async Task<FlowFilter> FilterAsync(Connection connection, string text, string? cookie)
    {
        var filter = new FlowFilter();
        if (text.Length > 0)
        {
            var spec = FlowTextParser.Parse(text + " actions=drop", await connection.PortResolverAsync());
            filter.Match.AddRange(spec.Match.Select(ProtoFlow.FromMatch));
            if (text.Contains("table=", StringComparison.Ordinal)) filter.TableId = spec.TableId;
            if (text.Contains("priority=", StringComparison.Ordinal)) filter.Priority = spec.Priority;
        }

        if (cookie is not null)
        {
            var parts = cookie.Split('/', 2);
            filter.Cookie = ParseCookie(parts[0]);
            filter.CookieMask = parts.Length == 2 ? ParseCookie(parts[1]) : ulong.MaxValue;
        }

        return filter;
    }

    private static ulong ParseCookie(string text) =>
        FlowTextParser.Parse($"cookie={text} actions=drop").Cookie;
}
