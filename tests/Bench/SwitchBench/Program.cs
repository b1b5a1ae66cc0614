using Grpc.Core;
using KernelBypass.SwitchBench.Measure;

namespace KernelBypass.SwitchBench;

/// <summary>
/// The switch beside dpdk-testpmd and OVS-DPDK on one rig: net_pcap with infinite_rx (real packets at memory speed) to net_null, one
/// worker lcore (CPU 1), everything else on CPU 0. The programs under test take turns, so that drift of the machine hits all alike.
/// </summary>
internal static class Program
{
    private const string Help = """
        usage: SwitchBench [--rounds N] [--windows N] [--json FILE] [--markdown FILE] [ROW ...]
          ROW        part of a row's name; none: all rows
          --rounds   launches of each program a row (default 3)
          --windows  windows of half a second a launch (default 6)
          --json     write every figure there
          --markdown put the table between the bench markers of that file
        """;

    private static async Task<int> Main(string[] args)
    {
        var options = Options.Parse(args);
        if (options is null)
        {
            Console.Error.WriteLine(Help);
            return 1;
        }

        if (Environment.UserName != "root")
        {
            Console.Error.WriteLine("bench: needs root");
            return 1;
        }

        using var rig = new Rig();
        var results = new List<RowResult>();
        var failed = false;
        foreach (var row in RowCatalogue.All.Where(row => options.Selects(row.Name)))
        {
            try
            {
                var result = await RowRunner.RunAsync(row, rig, options);
                results.Add(result);
                Console.WriteLine(Report.Line(result));
                Report.Write(results, options); // after each row: a run that is cut short has what it has
            }
            catch (Exception error) when (error is RpcException or TimeoutException or InvalidOperationException)
            {
                Console.WriteLine($"{row.Name,-24} could not be measured: {error.Message}");
                failed = true;
            }
        }

        return !failed && results.All(result => result.Reached) ? 0 : 2;
    }
}
