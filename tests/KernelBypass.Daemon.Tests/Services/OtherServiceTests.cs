using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using KernelBypass.V1;
using V1Action = KernelBypass.V1.Action;

namespace KernelBypass.Daemon.Tests.Services;

public sealed class OtherServiceTests
{
    private static async Task<string> Fails(StatusCode code, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(code, error.StatusCode);
        return error.Status.Detail;
    }

    [Fact]
    public async Task Ports_are_attached_changed_watched_and_detached()
    {
        await using var daemon = await DaemonFixture.StartAsync("ports: [{name: p1, device: net_null0}]\n");
        var ports = new PortService.PortServiceClient(daemon.Channel);
        using var watch = ports.Watch(new WatchPortsRequest());
        Assert.True(await watch.ResponseStream.MoveNext(default));
        Assert.Equal((PortEvent.Types.Type.Present, "p1"), (watch.ResponseStream.Current.Type, watch.ResponseStream.Current.Port.Config.Name));

        var port = await ports.AttachAsync(new AttachPortRequest { Config = new() { Name = "p2", Device = "net_null1" } });
        Assert.Equal(2u, port.Config.Number);
        port = await ports.SetAsync(new SetPortRequest { Port = "2", Mtu = 9000 });
        Assert.Equal(9000u, port.Config.Mtu);
        Assert.Equal(["p1", "p2"], (await ports.ListAsync(new ListPortsRequest())).Ports.Select(known => known.Config.Name));
        Assert.Equal(42UL, (await ports.StatsAsync(new PortStatsRequest { Ports = { "p1" } })).Ports.Single().RxPackets);
        Assert.Equal(1UL, (await ports.XStatsAsync(new PortXStatsRequest { Port = "p2" })).Xstats["p2_good"]);
        await ports.DetachAsync(new DetachPortRequest { Port = "p2" });
        var seen = new List<PortEvent.Types.Type>();
        for (var i = 0; i < 3 && await watch.ResponseStream.MoveNext(default); i++) seen.Add(watch.ResponseStream.Current.Type);
        Assert.Equal([PortEvent.Types.Type.Attached, PortEvent.Types.Type.Changed, PortEvent.Types.Type.Detached], seen);
    }

    [Fact]
    public async Task Ports_come_up_when_the_flows_stand()
    {
        await using var daemon = await DaemonFixture.StartAsync(
            "ports: [{name: p1, device: net_null0}, {name: p2, device: net_null1, admin_down: true}]\n"
            + "flows: ['priority=1, actions=drop', 'priority=2, actions=normal']\n");
        Assert.Equal(2, daemon.Switch.FlowsAtFirstPortUp);
        var ports = (await new PortService.PortServiceClient(daemon.Channel).ListAsync(new ListPortsRequest())).Ports;
        Assert.Equal([("p1", false), ("p2", true)], ports.Select(port => (port.Config.Name, port.Config.AdminDown)));
    }

    [Fact]
    public async Task Ports_that_cannot_be_are_refused_with_the_reason()
    {
        await using var daemon = await DaemonFixture.StartAsync("ports: [{name: p1, device: net_null0}]\n");
        var ports = new PortService.PortServiceClient(daemon.Channel);
        AttachPortRequest Of(string name, string device, uint mtu = 0, string mac = "") =>
            new() { Config = new() { Name = name, Device = device, Mtu = mtu, Mac = mac } };
        (StatusCode Code, string Message, AttachPortRequest Request)[] rows =
        [
            (StatusCode.InvalidArgument, "config", new()),
            (StatusCode.InvalidArgument, "config.name", Of("a b", "net_null1")),
            (StatusCode.InvalidArgument, "config.device", Of("a", "")),
            (StatusCode.InvalidArgument, "config.mtu", Of("a", "net_null1", 67)),
            (StatusCode.InvalidArgument, "unicast", Of("a", "net_null1", 0, "01:00:00:00:00:00")),
            (StatusCode.FailedPrecondition, "no such device", Of("a", "net_absent")),
        ];
        foreach (var (code, message, request) in rows)
            Assert.Contains(message, await Fails(code, async () => await ports.AttachAsync(request)), StringComparison.Ordinal);
        await Fails(StatusCode.AlreadyExists, async () => await ports.AttachAsync(Of("p1", "net_null9")));
        await Fails(StatusCode.NotFound, async () => await ports.DetachAsync(new DetachPortRequest { Port = "p9" }));
        await Fails(StatusCode.NotFound, async () => await ports.StatsAsync(new PortStatsRequest { Ports = { "p9" } }));
        await Fails(StatusCode.InvalidArgument, async () => await ports.SetAsync(new SetPortRequest { Port = "p1", Mtu = 10 }));
    }

    [Fact]
    public async Task The_pipeline_is_listed_and_placed()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var pipeline = new PipelineService.PipelineServiceClient(daemon.Channel);
        Assert.Equal(["rx", "tx"], (await pipeline.ListStagesAsync(new ListStagesRequest())).Stages.Select(stage => stage.Name));
        Assert.Equal("burst", (await pipeline.ListStageKindsAsync(new ListStageKindsRequest())).Kinds.Single().Options.Single().Name);
        var placed = await pipeline.SetPlacementAsync(new SetPlacementRequest { Placement = { new Placement { Stages = { "rx", "tx" }, Lcores = { 1, 2 } } } });
        Assert.Equal([1u, 2u], placed.Stages[0].Lcores);
        await Fails(StatusCode.InvalidArgument, async () => await pipeline.SetPlacementAsync(new SetPlacementRequest()));
        await Fails(StatusCode.InvalidArgument, async () => await pipeline.SetPlacementAsync(
            new SetPlacementRequest { Placement = { new Placement { Stages = { "nix" }, Lcores = { 1 } } } }));
        Assert.Equal(1_500UL, (await pipeline.ListLcoresAsync(new ListLcoresRequest())).Lcores.Single().LongestGapNs);
        Assert.Equal("bad", (await pipeline.ListDropsAsync(new ListDropsRequest())).Drops.Single().Reason);
        Assert.Equal(100u, (await pipeline.ListMacsAsync(new ListMacsRequest())).MaxMacs);
        Assert.Equal(1u, (await pipeline.FlushMacsAsync(new FlushMacsRequest())).Flushed);
        var metric = Assert.Single((await pipeline.ReadMetricsAsync(new ReadMetricsRequest { Prefix = "kernelbypass_port" })).Metrics);
        Assert.Equal((42UL, "p1", "counter"), (metric.Value, metric.Labels["port"], metric.Kind));
        var status = await pipeline.GetStatusAsync(new GetStatusRequest());
        Assert.Equal(("running", (uint)Environment.ProcessId, 0u), (status.DataplaneState, status.DataplanePid, status.DataplaneRestarts));
    }

    [Fact]
    public async Task Packets_go_out_and_come_in()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var packets = new PacketService.PacketServiceClient(daemon.Channel);
        using var some = packets.PacketIns(new PacketInsRequest { Cookies = { 2 } });
        using var all = packets.PacketIns(new PacketInsRequest());
        await some.ResponseHeadersAsync;
        await all.ResponseHeadersAsync;
        PacketOutRequest Packet(byte first, int length = 60, uint port = 1) => new()
        {
            Data = ByteString.CopyFrom([first, .. new byte[length - 1]]),
            Actions = { new V1Action { Output = new() { Port = port } } },
        };
        await packets.PacketOutAsync(Packet(1));
        using var outs = packets.PacketOuts();
        await outs.RequestStream.WriteAsync(Packet(2));
        await outs.RequestStream.WriteAsync(Packet(3, length: 13));
        await outs.RequestStream.CompleteAsync();
        var counts = await outs.ResponseAsync;
        Assert.Equal((1UL, 1UL), (counts.Sent, counts.Refused));
        Assert.Contains("13 bytes", counts.LastError, StringComparison.Ordinal);
        Assert.True(await all.ResponseStream.MoveNext(default));
        Assert.Equal((1UL, 60u), (all.ResponseStream.Current.Cookie, all.ResponseStream.Current.TotalLength));
        Assert.True(await some.ResponseStream.MoveNext(default));
        Assert.Equal(2UL, some.ResponseStream.Current.Cookie);
        await Fails(StatusCode.InvalidArgument, async () => await packets.PacketOutAsync(new PacketOutRequest { Data = Packet(1).Data }));
        await Fails(StatusCode.InvalidArgument, async () => await packets.PacketOutAsync(Packet(1, 9217)));
        await Fails(StatusCode.InvalidArgument, async () => await packets.PacketOutAsync(Packet(1, port: 0xffffffff)));
    }

    [Fact]
    public async Task Captures_stream_and_end()
    {
        await using var daemon = await DaemonFixture.StartAsync("ports: [{name: p1, device: net_null0}]\n");
        var packets = new PacketService.PacketServiceClient(daemon.Channel);
        using var capture = packets.Capture(new CaptureRequest { Stages = { "drops" }, MaxPackets = 2 });
        var captured = new List<CapturedPacket>();
        while (await capture.ResponseStream.MoveNext(default)) captured.Add(capture.ResponseStream.Current);
        Assert.Equal(["drops", "drops"], captured.Select(packet => packet.Point));
        Assert.Equal("bad", captured[0].DropReason);
        using var timed = packets.Capture(new CaptureRequest { Ports = { "p1" }, DurationMs = 50 });
        while (await timed.ResponseStream.MoveNext(default)) captured.Add(timed.ResponseStream.Current);
        Assert.Equal(5, captured.Count);
        using var unknown = packets.Capture(new CaptureRequest { Ports = { "p9" } });
        await Fails(StatusCode.InvalidArgument, () => unknown.ResponseStream.MoveNext(default));
    }

    [Fact]
    public async Task Explain_names_the_flow_and_trace_passes_refusals_on()
    {
        await using var daemon = await DaemonFixture.StartAsync("ports: [{name: p1, device: net_null0}]\nflows: ['priority=9,actions=drop']\n");
        var trace = new TraceService.TraceServiceClient(daemon.Channel);
        var answer = await trace.ExplainAsync(new ExplainRequest { InPort = 1, Packet = ByteString.CopyFrom(new byte[60]) });
        Assert.Equal((9u, "table_miss"), (answer.Steps.Single().Flow.Priority, answer.DropReason));
        await Fails(StatusCode.InvalidArgument, async () => await trace.ExplainAsync(new ExplainRequest { InPort = 1 }));
        await Fails(StatusCode.InvalidArgument, async () => await trace.ExplainAsync(new ExplainRequest { InPort = 9, Packet = ByteString.CopyFrom(1) }));
        using var records = trace.Trace(new TraceRequest());
        await Fails(StatusCode.Unimplemented, () => records.ResponseStream.MoveNext(default));
        using var many = trace.Trace(new TraceRequest { MaxPackets = 10_001 });
        await Fails(StatusCode.InvalidArgument, () => many.ResponseStream.MoveNext(default));
    }

    [Fact]
    public async Task Health_and_reflection_are_served_and_the_test_service_only_when_asked()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var health = await new Health.HealthClient(daemon.Channel).CheckAsync(new HealthCheckRequest());
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
        using var reflection = new ServerReflection.ServerReflectionClient(daemon.Channel).ServerReflectionInfo();
        await reflection.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await reflection.ResponseStream.MoveNext(default));
        var names = reflection.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).ToList();
        Assert.Contains("kernelbypass.v1.FlowService", names);
        Assert.Contains("kernelbypass.v1.TraceService", names);
        Assert.DoesNotContain("grpc.testing.TestService", names);
        await Fails(StatusCode.Unimplemented, async () =>
            await new Grpc.Testing.TestService.TestServiceClient(daemon.Channel).EmptyCallAsync(new Grpc.Testing.Empty()));
        await using var testing = await DaemonFixture.StartAsync("grpc: {test_service: true}\n");
        await new Grpc.Testing.TestService.TestServiceClient(testing.Channel).EmptyCallAsync(new Grpc.Testing.Empty());
    }
}
