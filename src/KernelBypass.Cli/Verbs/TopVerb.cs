using System.CommandLine;
using System.Globalization;
using System.Text;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl top: rates of ports, load of lcores, drops, live.</summary>
internal sealed class TopVerb : IVerb
{
    private const string Home = "\x1b[H";
    private const string ClearToEnd = "\x1b[J";

    public IReadOnlyList<string> Examples => ["top", "top --interval 0.5", "top --count 1", "top --json"];

    public Command Build()
    {
        var interval = new Option<double>("--interval", "-i") { Description = "seconds between pictures", DefaultValueFactory = _ => 1 };
        var count = new Option<int>("--count", "-n") { Description = "pictures to show; 0: until Ctrl-C" };
        var command = new Command("top", "Live rates of ports, load of lcores, and drops.") { interval, count };
        command.SetAction(Connection.Run(connection => LoopAsync(
            connection, TimeSpan.FromSeconds(Math.Clamp(connection.Arguments.GetValue(interval), 0.1, 3600)), connection.Arguments.GetValue(count))));
        return command;
    }

    private static async Task<int> LoopAsync(Connection connection, TimeSpan interval, int count)
    {
        var interactive = !Console.IsOutputRedirected && !connection.Out.Json;
        if (interactive) connection.Out.Raw("\x1b[2J");
        var before = await TopSample.TakeAsync(connection);
        for (var turn = 0; count == 0 || turn < count; turn++)
        {
            await Task.Delay(interval, connection.Cancellation);
            var now = await TopSample.TakeAsync(connection);
            if (connection.Out.Json) connection.Out.Line(now.Json(before));
            else connection.Out.Raw((interactive ? Home : "") + Picture(before, now) + (interactive ? ClearToEnd : "\n"));
            before = now;
        }

        return ExitCode.Ok;
    }

    private static string Picture(TopSample before, TopSample now)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"kernelbypass {now.Time:HH:mm:ss}  flows {Writer.Number(now.Flows)}\x1b[K\n\n");
        text.Append(TextTable.Render(
            ["PORT", "NAME", "RX-PPS", "RX-GBIT/S", "TX-PPS", "TX-GBIT/S", "MISSED/S", "TX-FULL/S"],
            now.Rates(before).Select(rate => (IReadOnlyList<string>)
            [
                rate.Number.ToString(CultureInfo.InvariantCulture), rate.Name, Writer.Number(rate.RxPackets, "N0"), Writer.Number(rate.RxBits / 1e9, "0.000"),
                Writer.Number(rate.TxPackets, "N0"), Writer.Number(rate.TxBits / 1e9, "0.000"), Writer.Number(rate.Missed, "N0"),
                Writer.Number(rate.TxFull, "N0"),
            ]).ToList())).Append('\n');
        text.Append(TextTable.Render(LcoreVerb.Heading, now.Lcores.Select(LcoreVerb.Row).ToList())).Append('\n');
        var drops = now.DropRates(before).ToList();
        if (drops.Count > 0)
        {
            text.Append(TextTable.Render(["STAGE", "REASON", "DROPS/S"], drops.Select(drop =>
                (IReadOnlyList<string>)[drop.Stage, drop.Reason, Writer.Number(drop.Rate, "N0")]).ToList()));
        }

        return text.ToString();
    }
}
