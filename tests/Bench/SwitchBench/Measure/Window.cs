using System.Diagnostics;
using System.Globalization;
using KernelBypass.SwitchBench.Duts;

namespace KernelBypass.SwitchBench.Measure;

/// <summary>
/// Samples of a program's rate. A window counts only if the program's threads waited less than 2 % of it for a CPU: on a shared machine
/// others' work must not be charged to the program. When no window is clean, the best half of the dirty ones is used and said.
/// </summary>
internal static class Window
{
    private const double MaxWait = 0.02;

    internal sealed record Sample(double Rate, bool Clean);

    internal static async Task<List<Sample>> TakeAsync(IDut dut, int windows)
    {
        var samples = new List<Sample>();
        for (var tries = 0; samples.Count(sample => sample.Clean) < windows && tries < 3 * windows; tries++)
        {
            var waitBefore = BusiestWait(dut.Pid);
            var (packets, clock) = (await dut.ReadPacketsAsync(), Stopwatch.StartNew());
            await Task.Delay(500);
            var after = await dut.ReadPacketsAsync();
            var seconds = clock.Elapsed.TotalSeconds;
            var waited = BusiestWait(dut.Pid);
            var wait = waited.Thread == waitBefore.Thread ? (waited.WaitNs - waitBefore.WaitNs) / 1e9 / seconds : 1;
            samples.Add(new((after - packets) / seconds, wait < MaxWait));
        }

        var clean = samples.Where(sample => sample.Clean).ToList();
        return clean.Count >= Math.Max(1, windows / 2)
            ? clean
            : samples.OrderByDescending(sample => sample.Rate).Take((samples.Count + 1) / 2).ToList();
    }

    /// <summary>The thread that has run most, and how long it has waited for a CPU.</summary>
    private static (string Thread, long WaitNs) BusiestWait(int pid)
    {
        var best = ("", 0L, -1L);
        foreach (var task in Directory.GetDirectories($"/proc/{pid}/task"))
        {
            string[] fields;
            try
            {
                fields = File.ReadAllText($"{task}/schedstat").Split(' ');
            }
            catch (IOException)
            {
                continue; // it has ended meanwhile
            }

            var ran = long.Parse(fields[0], CultureInfo.InvariantCulture);
            if (ran > best.Item3) best = (task, long.Parse(fields[1], CultureInfo.InvariantCulture), ran);
        }

        return (best.Item1, best.Item2);
    }
}
