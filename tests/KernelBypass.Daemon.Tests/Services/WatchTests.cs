using Grpc.Core;
using KernelBypass.Daemon.DataPlane;
using KernelBypass.Daemon.Flows;
using KernelBypass.V1;
using V1Action = KernelBypass.V1.Action;

namespace KernelBypass.Daemon.Tests.Services;

public sealed class WatchTests
{
    private static WriteRequest Write(FlowUpdate.Types.Type type, uint priority, uint hardTimeout = 0, bool tell = false)
    {
        var flow = new Flow { Priority = priority, HardTimeoutS = hardTimeout, SendFlowRemoved = tell, Instructions = new() };
        flow.Instructions.ApplyActions.Add(new V1Action { Output = new() { Port = 1 } });
        return new() { Updates = { new FlowUpdate { Type = type, Flow = flow } } };
    }

    [Fact]
    public async Task Removals_are_told_with_their_reasons()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        using var all = daemon.Flows.Watch(new WatchFlowsRequest { All = true });
        using var asked = daemon.Flows.Watch(new WatchFlowsRequest());
        await all.ResponseHeadersAsync;
        await asked.ResponseHeadersAsync;
        await daemon.Flows.WriteAsync(Write(FlowUpdate.Types.Type.Insert, 1, tell: true));
        await daemon.Flows.WriteAsync(Write(FlowUpdate.Types.Type.Insert, 1));
        await daemon.Flows.WriteAsync(Write(FlowUpdate.Types.Type.DeleteStrict, 1));
        await daemon.Flows.WriteAsync(Write(FlowUpdate.Types.Type.Insert, 2, hardTimeout: 1));
        var reasons = new List<FlowEvent.Types.Reason>();
        for (var i = 0; i < 3 && await all.ResponseStream.MoveNext(default); i++) reasons.Add(all.ResponseStream.Current.Reason);
        // The order of a replacement and a deletion depends on two threads; that both are told does not.
        Assert.Equal(
            [FlowEvent.Types.Reason.HardTimeout, FlowEvent.Types.Reason.Delete, FlowEvent.Types.Reason.Replaced], reasons.Order());
        Assert.True(await asked.ResponseStream.MoveNext(default));
        Assert.Equal(FlowEvent.Types.Reason.Replaced, asked.ResponseStream.Current.Reason);
        Assert.Equal(0, daemon.Get<FlowManager>().Count);
    }

    [Fact]
    public async Task A_slow_watcher_loses_events_and_is_told_how_many()
    {
        var hub = new EventHub<int>(16);
        using var slow = hub.Subscribe();
        using var even = hub.Subscribe(number => number % 2 == 0);
        for (var i = 0; i < 30; i++) hub.Publish(i);
        for (var i = 0; i < 16; i++) Assert.Equal((i, 0UL), await slow.ReadAsync(default));
        hub.Publish(30);
        Assert.Equal((30, 14UL), await slow.ReadAsync(default));
        for (var i = 0; i < 15; i++) Assert.Equal((2 * i, 0UL), await even.ReadAsync(default));
        Assert.Equal((30, 0UL), await even.ReadAsync(default));
        Assert.Equal(14, hub.Lost);
    }

    [Fact]
    public async Task As_many_watchers_as_allowed()
    {
        await using var daemon = await DaemonFixture.StartAsync("limits: {watchers: 1}\n");
        using (var first = daemon.Flows.Watch(new WatchFlowsRequest()))
        {
            await first.ResponseHeadersAsync;
            using var second = daemon.Flows.Watch(new WatchFlowsRequest());
            var error = await Assert.ThrowsAsync<RpcException>(() => second.ResponseStream.MoveNext(default));
            Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        }

        await DaemonFixture.Eventually(() => daemon.Get<Daemon.Services.StreamLimit>().Open == 0, "the place is given back");
    }
}
