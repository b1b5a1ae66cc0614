using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl table: how full the tables are and how hard lookups are.</summary>
internal sealed class TableVerb : IVerb
{
    public IReadOnlyList<string> Examples => ["table", "table --json"];

    public Command Build()
    {
        var command = new Command("table", "Flow tables: entries, limits, masks, lookups, matches.");
        command.SetAction(Connection.Run(ShowAsync));
        return command;
    }

    private static async Task<int> ShowAsync(Connection connection)
    {
        var answer = await connection.Flows.ListTablesAsync(new ListTablesRequest(), connection.Once);
        connection.Out.Print(answer, () => connection.Out.Table(
            ["TABLE", "FLOWS", "LIMIT", "MASKS", "LOOKUPS", "MATCHES"],
            answer.Tables.Select(table => (IReadOnlyList<string>)
            [
                table.TableId.ToString(CultureInfo.InvariantCulture), Writer.Number(table.Flows), Writer.Number(table.MaxFlows),
                Writer.Number(table.Masks), Writer.Number(table.Lookups), Writer.Number(table.Matches),
            ])));
        return ExitCode.Ok;
    }
}
