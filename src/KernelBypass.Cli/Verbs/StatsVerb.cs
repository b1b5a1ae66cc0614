using System.CommandLine;
using KernelBypass.Cli.Output;
using KernelBypass.V1;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl stats: every metric of the data plane as it stands.</summary>
internal sealed class StatsVerb : IVerb
{
    public IReadOnlyList<string> Examples => ["stats", "stats kernelbypass_cache", "stats --describe kernelbypass_port"];

    public Command Build()
    {
        var prefix = new Argument<string>("prefix") { Description = "only metrics whose name begins so", DefaultValueFactory = _ => "" };
        var describe = new Option<bool>("--describe") { Description = "with unit and description" };
        var command = new Command("stats", "Metrics of the data plane: what the Prometheus endpoint shows.") { prefix, describe };
        command.SetAction(Connection.Run(async connection =>
        {
            var request = new ReadMetricsRequest { Prefix = connection.Arguments.GetValue(prefix) ?? "" };
            var answer = await connection.Pipeline.ReadMetricsAsync(request, connection.Once);
            var wide = connection.Arguments.GetValue(describe);
            connection.Out.Print(answer, () => connection.Out.Table(
                wide ? ["METRIC", "LABELS", "VALUE", "UNIT", "DESCRIPTION"] : ["METRIC", "LABELS", "VALUE"],
                answer.Metrics.Select(metric => (IReadOnlyList<string>)(wide
                    ? [metric.Name, Labels(metric), Writer.Number(metric.Value), metric.Unit, metric.Description]
                    : [metric.Name, Labels(metric), Writer.Number(metric.Value)]))));
            return ExitCode.Ok;
        }));
        return command;
    }

    private static string Labels(Metric metric) =>
        string.Join(',', metric.Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));
}
