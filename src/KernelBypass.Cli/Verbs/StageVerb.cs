using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl stage: list, kinds, place.</summary>
internal sealed class StageVerb : IVerb
{
    public IReadOnlyList<string> Examples =>
    [
        "stage list",
        "stage kinds",
        "stage place rx,parse,classify,actions,tx@1",
        "stage place rx,parse@1 classify,actions,tx@2,3",
    ];

    public Command Build() => new("stage", "Stages: where they run and what they cost.") { List(), Kinds(), Place() };

    private static Command List()
    {
        var command = new Command("list", "Stages as placed, with packets, drops and cycles a packet.");
        command.SetAction(Connection.Run(async connection =>
        {
            Print(connection, await connection.Pipeline.ListStagesAsync(new ListStagesRequest(), connection.Once));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command Kinds()
    {
        var command = new Command("kinds", "Kinds of stage with their options.");
        command.SetAction(Connection.Run(async connection =>
        {
            var answer = await connection.Pipeline.ListStageKindsAsync(new ListStageKindsRequest(), connection.Once);
            connection.Out.Print(answer, () =>
            {
                foreach (var kind in answer.Kinds)
                {
                    connection.Out.Line($"{kind.Kind}: {kind.Description}");
                    foreach (var option in kind.Options)
                        connection.Out.Line($"  {option.Name} = {option.Default} ({option.Minimum} to {option.Maximum}): {option.Description}");
                }
            });
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command Place()
    {
        var chains = new Argument<string[]>("chain")
        {
            Description = "STAGE[,STAGE...]@LCORE[,LCORE...], in order of the pipeline",
            Arity = ArgumentArity.OneOrMore,
        };
        var command = new Command("place", "Move stages to lcores while traffic runs; no received packet is lost.") { chains };
        command.SetAction(Connection.Run(async connection =>
        {
            var request = new SetPlacementRequest();
            request.Placement.AddRange(connection.Arguments.GetRequiredValue(chains).Select(ParseChain));
            Print(connection, await connection.Pipeline.SetPlacementAsync(request, connection.Once));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Placement ParseChain(string text)
    {
        var parts = text.Split('@');
        if (parts.Length != 2) throw new FormatException($"'{text}': expected STAGE[,STAGE...]@LCORE[,LCORE...]");
        var placement = new Placement();
        placement.Stages.AddRange(parts[0].Split(',', StringSplitOptions.RemoveEmptyEntries));
        foreach (var lcore in parts[1].Split(',', StringSplitOptions.RemoveEmptyEntries))
            placement.Lcores.Add(uint.TryParse(lcore, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                ? id : throw new FormatException($"'{text}': '{lcore}' is no lcore number"));
        return placement;
    }

    private static void Print(Connection connection, ListStagesResponse answer) => connection.Out.Print(answer, () => connection.Out.Table(
        ["#", "STAGE", "LCORES", "PACKETS", "DROPS", "BURST", "CYCLES/PKT", "RING"],
        answer.Stages.Select(stage => (IReadOnlyList<string>)
        [
            stage.Index.ToString(CultureInfo.InvariantCulture), stage.Name, string.Join('+', stage.Lcores), Writer.Number(stage.Packets),
            Writer.Number(stage.Drops), stage.Bursts == 0 ? "-" : Writer.Number((double)stage.Packets / stage.Bursts, "0.0"),
            Writer.Number(stage.CyclesPerPacket, "0.0"), stage.RingSize == 0 ? "-" : $"{stage.RingUsed} of {stage.RingSize}",
        ])));
}
