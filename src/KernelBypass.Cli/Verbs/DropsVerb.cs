using System.CommandLine;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl drops: why packets were dropped.</summary>
internal sealed class DropsVerb : IVerb
{
    public IReadOnlyList<string> Examples => ["drops", "drops --all", "capture --stage drops -w - | tshark -r -"];

    public Command Build()
    {
        var all = new Option<bool>("--all") { Description = "also reasons that have not happened" };
        var command = new Command("drops", "Dropped packets by reason.") { all };
        command.SetAction(Connection.Run(async connection =>
        {
            var answer = await connection.Pipeline.ListDropsAsync(new ListDropsRequest(), connection.Once);
            var rows = answer.Drops.Where(drop => drop.Packets > 0 || connection.Arguments.GetValue(all)).ToList();
            connection.Out.Print(answer, () =>
            {
                if (rows.Count == 0) connection.Out.Line("nothing has been dropped");
                else connection.Out.Table(["STAGE", "REASON", "PACKETS", "MEANING"], rows.Select(drop =>
                    (IReadOnlyList<string>)[drop.Stage, drop.Reason, Writer.Number(drop.Packets), drop.Description]));
            });
            return ExitCode.Ok;
        }));
        return command;
    }
}
