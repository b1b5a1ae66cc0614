using System.Globalization;
using System.Text;
using System.Text.Json;
using KernelBypass.SwitchBench.Duts;

namespace KernelBypass.SwitchBench.Measure;

/// <summary>The table for people and the JSON for programs.</summary>
internal static class Report
{
    private const string Begin = "<!-- bench:begin -->";
    private const string End = "<!-- bench:end -->";
    private static readonly JsonSerializerOptions s_json = new() { WriteIndented = true };

    internal static string Line(RowResult result) => string.Create(CultureInfo.InvariantCulture,
        $"{result.Row.Name,-24} {result.OurMedian,9:0.000} {result.Unit}  peer {Text(result.PeerMedian)}  ratio {Text(result.Ratio)}"
        + $"  needs {(result.Row.Required == 0 ? "-" : result.Row.Required.ToString(CultureInfo.InvariantCulture))}"
        + $"  {(result.Reached ? "reached" : "NOT REACHED")} {result.Remark}");

    internal static void Write(List<RowResult> results, Options options)
    {
        if (options.Json is { } json) File.WriteAllText(json, JsonSerializer.Serialize(Document(results), s_json));
        if (options.Markdown is not { } markdown) return;
        var text = File.ReadAllText(markdown);
        var from = text.IndexOf(Begin, StringComparison.Ordinal);
        var to = text.IndexOf(End, StringComparison.Ordinal);
        if (from < 0 || to < from) throw new InvalidDataException($"{markdown} lacks {Begin} and {End}");
        File.WriteAllText(markdown, text[..(from + Begin.Length)] + "\n" + Table(results, options) + text[to..]);
    }

    private static string Table(List<RowResult> results, Options options)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-dd}, {Machine()}; {options.Rounds} rounds, medians; ")
            .Append("ratios are of the two programs in the same round.\n\n")
            .Append("| work | KernelBypass | peer | ratio (median, lowest to highest) | must reach | |\n|---|---|---|---|---|---|\n");
        foreach (var result in results)
        {
            var ratios = result.Us.Zip(result.Peer, (us, peer) => us / peer).Order().ToList();
            var spread = ratios.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({ratios[0]:0.00} to {ratios[^1]:0.00})");
            text.Append(CultureInfo.InvariantCulture,
                $"| {result.Row.Work} | {result.OurMedian:0.00} {result.Unit} | {PeerText(result)} | {Text(result.Ratio)}{spread} | "
                + $"{(result.Row.Required == 0 ? "reported" : $"{result.Row.Required} x")} | {(result.Reached ? "" : "**missed** ")}{result.Remark} |\n");
        }

        return text.ToString();
    }

    private static object Document(List<RowResult> results) => new
    {
        date = DateTime.UtcNow,
        machine = Machine(),
        rows = results.Select(result => new
        {
            name = result.Row.Name,
            work = result.Row.Work,
            unit = result.Unit,
            us = result.Us,
            peer = result.Peer,
            ratio = double.IsNaN(result.Ratio) ? (double?)null : result.Ratio,
            required = result.Row.Required,
            reached = result.Reached,
            remark = result.Remark,
        }),
    };

    private static string PeerText(RowResult result) => result.Peer.Count == 0 ? "-"
        : string.Create(CultureInfo.InvariantCulture, $"{result.PeerMedian:0.00} {result.Unit}");

    private static string Text(double value) => double.IsNaN(value) ? "-" : value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Machine()
    {
        var cpu = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("model name", StringComparison.Ordinal)).Split(':')[1].Trim();
        string Version(string package) => ProcessRun.Must($"dpkg-query -W -f='${{Version}}' {package} 2>/dev/null || echo none").Trim();
        return $"{Environment.ProcessorCount} CPUs {cpu}, Linux {Environment.OSVersion.Version}, .NET {Environment.Version}, "
            + $"DPDK {Version("libdpdk-dev")}, OVS {Version("openvswitch-switch-dpdk")}";
    }
}
