using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl lcore: who does what, how loaded, longest gap.</summary>
internal sealed class LcoreVerb : IVerb
{
    public IReadOnlyList<string> Examples => ["lcore", "lcore --json"];

    public Command Build()
    {
        var command = new Command("lcore", "Lcores: role, load, sleep, queues, longest gap between two turns of their loop.");
        command.SetAction(Connection.Run(async connection =>
        {
            var answer = await connection.Pipeline.ListLcoresAsync(new ListLcoresRequest(), connection.Once);
            connection.Out.Print(answer, () => connection.Out.Table(Heading, answer.Lcores.Select(Row)));
            return ExitCode.Ok;
        }));
        return command;
    }

    internal static IReadOnlyList<string> Heading =>
        ["LCORE", "CPU", "ROLE", "LOAD%", "ASLEEP%", "PACKETS", "GAP", "GAP-10S", "QUEUES", "STAGES"];

    internal static IReadOnlyList<string> Row(Lcore lcore) =>
    [
        lcore.Id.ToString(CultureInfo.InvariantCulture), lcore.Cpu.ToString(CultureInfo.InvariantCulture), lcore.Role,
        Writer.Number(lcore.Load * 100, "0.0"), Writer.Number(lcore.Asleep * 100, "0.0"), Writer.Number(lcore.Packets),
        Writer.Duration(lcore.LongestGapNs), Writer.Duration(lcore.RecentGapNs), string.Join(' ', lcore.Queues), string.Join(' ', lcore.Stages),
    ];
}
