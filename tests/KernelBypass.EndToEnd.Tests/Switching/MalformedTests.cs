using KernelBypass.EndToEnd.Tests.Lab;

namespace KernelBypass.EndToEnd.Tests.Switching;

/// <summary>scapy sends what no host would; every frame is dropped with its reason and the switch goes on.</summary>
[Collection("machine")]
public class MalformedTests(ThreeHosts lab)
{
    [Fact]
    public void Malformed_frames_are_counted_by_reason_and_change_nothing_else()
    {
        lab.Reset();
        lab.Switch.AddFlows("priority=0 actions=normal");
        var before = Counts();
        var result = lab.H1.Run("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Peers", "malformed.py")]);
        Assert.True(result.Code == 0, result.All);
        foreach (var line in result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (reason, sent) = (line.Split(' ')[0], ulong.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture));
            Assert.True(
                SwitchUnderTest.Eventually(() => Counts().GetValueOrDefault(reason) - before.GetValueOrDefault(reason) == sent),
                $"{reason}: {sent} sent, {Counts().GetValueOrDefault(reason) - before.GetValueOrDefault(reason)} counted");
        }

        Assert.Equal(3, lab.H1.Ping(lab.H2.Address));
    }

    private Dictionary<string, ulong> Counts() => lab.Switch.Pipeline.ListDrops(new V1.ListDropsRequest()).Drops
        .GroupBy(drop => drop.Reason).ToDictionary(group => group.Key, group => group.Aggregate(0ul, (sum, drop) => sum + drop.Packets));
}
