using Grpc.Core;
using KernelBypass.EndToEnd.Tests.Lab;
using KernelBypass.V1;

namespace KernelBypass.EndToEnd.Tests.Switching;

/// <summary>Flows leave by themselves, and watchers hear of it.</summary>
[Collection("machine")]
public class TimeoutTests(ThreeHosts lab)
{
    [Fact]
    public async Task Idle_and_hard_timeouts_are_told_with_final_counters()
    {
        lab.Reset();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var watch = lab.Switch.Flows.Watch(new WatchFlowsRequest(), cancellationToken: stop.Token);
        await watch.ResponseHeadersAsync;
        lab.Switch.AddFlows(
            "priority=0 actions=normal",
            "priority=10,cookie=0x71,idle_timeout=2,send_flow_removed,in_port=h1 actions=normal",
            "priority=10,cookie=0x72,hard_timeout=4,send_flow_removed,in_port=h2 actions=normal");
        Assert.Equal(15, lab.H1.Ping(lab.H2.Address, count: 15, interval: 0.2));
        Assert.Single(lab.Switch.ReadFlows(0x71));

        var events = new Dictionary<ulong, FlowEvent>();
        while (events.Count < 2 && await watch.ResponseStream.MoveNext(stop.Token))
            if (watch.ResponseStream.Current.Flow.Cookie is 0x71 or 0x72)
                events[watch.ResponseStream.Current.Flow.Cookie] = watch.ResponseStream.Current;
        Assert.Equal(FlowEvent.Types.Reason.IdleTimeout, events[0x71].Reason);
        Assert.Equal(FlowEvent.Types.Reason.HardTimeout, events[0x72].Reason);
        Assert.True(events[0x71].FinalStats.Packets >= 15);
        Assert.Empty(lab.Switch.ReadFlows(0x71));
    }
}
