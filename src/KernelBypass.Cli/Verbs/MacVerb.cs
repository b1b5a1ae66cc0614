using System.CommandLine;
using System.Globalization;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl mac: what the learning switch knows.</summary>
internal sealed class MacVerb : IVerb
{
    public IReadOnlyList<string> Examples => ["mac list", "mac flush"];

    public Command Build() => new("mac", "Learnt MAC addresses (action normal).") { List(), Flush() };

    private static Command List()
    {
        var command = new Command("list", "Learnt addresses with VLAN, port and age.");
        command.SetAction(Connection.Run(async connection =>
        {
            var answer = await connection.Pipeline.ListMacsAsync(new ListMacsRequest(), connection.Once);
            connection.Out.Print(answer, () =>
            {
                connection.Out.Table(["MAC", "VLAN", "PORT", "AGE"], answer.Macs.Select(mac => (IReadOnlyList<string>)
                [
                    mac.Mac, mac.Vlan == 0 ? "-" : Text(mac.Vlan), Text(mac.Port), Writer.Duration(mac.AgeMs * 1_000_000),
                ]));
                connection.Out.Line($"{answer.Macs.Count} of {Writer.Number(answer.MaxMacs)}");
            });
            return ExitCode.Ok;
        }));
        return command;
    }

    private static Command Flush()
    {
        var command = new Command("flush", "Forget every learnt address.");
        command.SetAction(Connection.Run(async connection =>
        {
            var answer = await connection.Pipeline.FlushMacsAsync(new FlushMacsRequest(), connection.Once);
            connection.Out.Print(answer, () => connection.Out.Line($"{answer.Flushed} forgotten"));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
