using System.CommandLine;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl status: is it running, since when, how full.</summary>
internal sealed class StatusVerb : IVerb
{
    public IReadOnlyList<string> Examples => ["status", "status --json"];

    public Command Build()
    {
        var command = new Command("status", "Release, state and uptime of both processes.");
        command.SetAction(Connection.Run(ShowAsync));
        return command;
    }

    private static async Task<int> ShowAsync(Connection connection)
    {
        var status = await connection.Pipeline.GetStatusAsync(new GetStatusRequest(), connection.Once);
        connection.Out.Print(status, () =>
        {
            var output = connection.Out;
            output.Line($"release      {status.Version} on DPDK {status.DpdkVersion}");
            output.Line($"daemon       pid {status.DaemonPid}, up {Writer.Duration(status.DaemonUptimeMs * 1_000_000)}");
            output.Line($"data plane   {status.DataplaneState}, pid {status.DataplanePid}, up {Writer.Duration(status.DataplaneUptimeMs * 1_000_000)}");
            output.Line($"restarts     {status.DataplaneRestarts}"
                + (status.DataplaneRestarts > 0 ? $", last outage {status.LastOutageMs} ms" : ""));
            output.Line($"flows        {Writer.Number(status.Flows)} of {Writer.Number(status.MaxFlows)}");
        });
        return status.DataplaneState == "running" ? ExitCode.Ok : ExitCode.Unavailable;
    }
}
