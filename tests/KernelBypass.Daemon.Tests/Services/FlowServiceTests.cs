using Google.Protobuf;
using Grpc.Core;
using KernelBypass.Daemon.Flows;
using KernelBypass.FakeDataPlane;
using KernelBypass.V1;
using static KernelBypass.V1.FlowUpdate.Types;
using V1Action = KernelBypass.V1.Action;

namespace KernelBypass.Daemon.Tests.Services;

public sealed class FlowServiceTests
{
    private static FieldMatch Is(Field field, params byte[] value) => new() { Field = field, Value = ByteString.CopyFrom(value) };

    private static Flow MakeFlow(uint priority, uint port = 1, byte? lastByte = null, ulong cookie = 0, uint table = 0)
    {
        var flow = new Flow { TableId = table, Priority = priority, Cookie = cookie, Instructions = new() };
        flow.Instructions.ApplyActions.Add(new V1Action { Output = new() { Port = port } });
        if (lastByte is not { } last) return flow;
        // In the wrong order on purpose: identity does not depend on it.
        flow.Match.Add(Is(Field.Ipv4Dst, 10, 0, 0, last));
        flow.Match.Add(Is(Field.EthType, 8, 0));
        return flow;
    }

    private static FlowUpdate Update(FlowUpdate.Types.Type type, Flow flow) => new() { Type = type, Flow = flow };

    private static WriteRequest Request(bool atomic, params FlowUpdate[] updates)
    {
        var request = new WriteRequest { Atomicity = atomic ? WriteRequest.Types.Atomicity.AllOrNothing : WriteRequest.Types.Atomicity.ContinueOnError };
        request.Updates.AddRange(updates);
        return request;
    }

    private static async Task<List<FlowEntry>> ReadAsync(DaemonFixture daemon, V1.FlowFilter? filter = null, ulong limit = 0)
    {
        var entries = new List<FlowEntry>();
        using var call = daemon.Flows.Read(new ReadFlowsRequest { Filter = filter ?? new(), Limit = limit });
        while (await call.ResponseStream.MoveNext(default))
        {
            Assert.InRange(call.ResponseStream.Current.Flows.Count, 1, 512);
            entries.AddRange(call.ResponseStream.Current.Flows);
        }

        return entries;
    }

    private static async Task<RpcException> Fails(StatusCode code, Func<Task> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(code, error.StatusCode);
        return error;
    }

    [Fact]
    public async Task Flows_are_written_read_modified_and_deleted()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var response = await daemon.Flows.WriteAsync(Request(
            false, Update(FlowUpdate.Types.Type.Insert, MakeFlow(5, 1, 7, 0x10)), Update(FlowUpdate.Types.Type.Insert, MakeFlow(6, 2, 8, 0x20))));
        Assert.Equal(2u, response.Applied);
        Assert.Empty(response.Results);
        var read = await ReadAsync(daemon);
        Assert.Equal([5u, 6u], read.Select(entry => entry.Flow.Priority).Order());
        Assert.Equal([Field.EthType, Field.Ipv4Dst], read[0].Flow.Match.Select(match => match.Field));

        response = await daemon.Flows.WriteAsync(Request(
            false,
            Update(FlowUpdate.Types.Type.ModifyStrict, MakeFlow(5, 9, 7)),
            Update(FlowUpdate.Types.Type.DeleteStrict, MakeFlow(6, 9, 8)),
            Update(FlowUpdate.Types.Type.DeleteStrict, MakeFlow(6, 9, 8))));
        Assert.Equal(2u, response.Applied);
        Assert.Equal([0, 0, (int)StatusCode.NotFound], response.Results.Select(result => result.Code));
        Assert.Equal([1u, 1u, 0u], response.Results.Select(result => result.Affected));
        var left = Assert.Single(await ReadAsync(daemon));
        Assert.Equal((0x10UL, 9u), (left.Flow.Cookie, left.Flow.Instructions.ApplyActions[0].Output.Port));
        Assert.Equal(1UL, left.Stats.Packets);
    }

    [Fact]
    public async Task Loose_updates_change_what_they_cover_in_order()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var modify = Update(FlowUpdate.Types.Type.Modify, MakeFlow(0, 77, null, 0x10));
        modify.CookieMask = 0xff;
        var response = await daemon.Flows.WriteAsync(Request(
            false,
            Update(FlowUpdate.Types.Type.Insert, MakeFlow(5, 1, 7, 0x10)),
            Update(FlowUpdate.Types.Type.Insert, MakeFlow(6, 1, 8, 0x20)),
            modify,
            Update(FlowUpdate.Types.Type.Delete, MakeFlow(0, 1, 8)),
            Update(FlowUpdate.Types.Type.Delete, MakeFlow(0, 1, 9))));
        Assert.Equal([0u, 0u, 1u, 1u, 0u], response.Results.Select(result => result.Affected));
        Assert.All(response.Results, result => Assert.Equal(0, result.Code));
        Assert.Equal(77u, Assert.Single(await ReadAsync(daemon)).Flow.Instructions.ApplyActions[0].Output.Port);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_bad_flow_is_named_with_its_field(bool atomic)
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var bad = MakeFlow(1);
        bad.Match.Add(Is(Field.TcpDst, 0, 80));
        var request = Request(atomic, Update(FlowUpdate.Types.Type.Insert, MakeFlow(1, 1, 1)), Update(FlowUpdate.Types.Type.Insert, bad));
        if (atomic)
        {
            var error = await Fails(StatusCode.InvalidArgument, async () => await daemon.Flows.WriteAsync(request));
            Assert.Contains("update 1: match field 'tcp_dst' needs its prerequisites", error.Status.Detail, StringComparison.Ordinal);
            Assert.Equal("1", error.Trailers.GetValue("kernelbypass-failed-update"));
            Assert.Empty(await ReadAsync(daemon));
            return;
        }

        var response = await daemon.Flows.WriteAsync(request);
        Assert.Equal(1u, response.Applied);
        Assert.Equal((int)StatusCode.InvalidArgument, response.Results[1].Code);
        Assert.Contains("'tcp_dst'", response.Results[1].Message, StringComparison.Ordinal);
        Assert.Single(await ReadAsync(daemon));
    }

    private static List<(string Message, Flow Flow)> BadFlows()
    {
        Flow With(Action<Flow> change)
        {
            var flow = MakeFlow(1);
            change(flow);
            return flow;
        }

        return
        [
            ("limits.tables", With(flow => flow.TableId = 64)),
            ("limits.tables", With(flow => flow.TableId = 300)),
            ("priority 65536", With(flow => flow.Priority = 65536)),
            ("no field has the number 999", With(flow => flow.Match.Add(Is((Field)999, 1)))),
            ("'eth_type'", With(flow => flow.Match.Add(Is(Field.EthType, 1, 2, 3)))),
            ("given twice", With(flow => flow.Match.Add([Is(Field.EthType, 8, 0), Is(Field.EthType, 8, 0)]))),
            ("mask has 1 bytes", With(flow => flow.Match.Add(new FieldMatch { Field = Field.EthDst, Mask = ByteString.CopyFrom(1) }))),
            ("cannot be masked", With(flow => flow.Match.Add(new FieldMatch { Field = Field.EthType, Mask = ByteString.CopyFrom(0xff, 0) }))),
            ("later table", With(flow => flow.Instructions.GotoTable = 0)),
            ("later table", With(flow => flow.Instructions.GotoTable = 255)),
            ("the mask is zero", With(flow => flow.Instructions.WriteMetadata = new() { Value = 1 })),
            ("no such action", With(flow => flow.Instructions.ApplyActions.Add(new V1Action()))),
            ("output port", With(flow => flow.Instructions.ApplyActions.Add(new V1Action { Output = new() }))),
            ("limits.actions_per_flow", With(flow => flow.Instructions.ApplyActions.Add(Enumerable.Repeat(new V1Action { Output = new() { Port = 1 } }, 65)))),
        ];
    }

    [Fact]
    public async Task Every_kind_of_bad_flow_has_its_message()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var rows = BadFlows();
        var response = await daemon.Flows.WriteAsync(Request(false, [.. rows.Select(row => Update(FlowUpdate.Types.Type.Insert, row.Flow))]));
        Assert.Equal(0u, response.Applied);
        Assert.All(rows.Zip(response.Results), pair =>
        {
            Assert.Equal((int)StatusCode.InvalidArgument, pair.Second.Code);
            Assert.Contains(pair.First.Message, pair.Second.Message, StringComparison.Ordinal);
        });
        response = await daemon.Flows.WriteAsync(Request(false, Update(FlowUpdate.Types.Type.Unspecified, MakeFlow(1))));
        Assert.Contains("INSERT", response.Results[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_or_nothing_plays_updates_that_build_on_each_other()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        await daemon.Flows.WriteAsync(Request(false, Update(FlowUpdate.Types.Type.Insert, MakeFlow(1, 1, 1, 0x5))));
        var response = await daemon.Flows.WriteAsync(Request(
            true,
            Update(FlowUpdate.Types.Type.Insert, MakeFlow(2, 1, 2)),
            Update(FlowUpdate.Types.Type.ModifyStrict, MakeFlow(2, 22, 2)),
            Update(FlowUpdate.Types.Type.DeleteStrict, MakeFlow(1, 1, 1)),
            Update(FlowUpdate.Types.Type.Insert, MakeFlow(3, 1, 3)),
            Update(FlowUpdate.Types.Type.Delete, MakeFlow(0, 1, 3))));
        Assert.Equal(5u, response.Applied);
        Assert.Equal([0u, 1u, 1u, 0u, 1u], response.Results.Select(result => result.Affected));
        Assert.Equal(22u, Assert.Single(await ReadAsync(daemon)).Flow.Instructions.ApplyActions[0].Output.Port);

        // A strict update that finds nothing undoes what stands before it.
        var error = await Fails(StatusCode.NotFound, async () => await daemon.Flows.WriteAsync(Request(
            true,
            Update(FlowUpdate.Types.Type.DeleteStrict, MakeFlow(2, 1, 2)),
            Update(FlowUpdate.Types.Type.DeleteStrict, MakeFlow(2, 1, 2)))));
        Assert.Equal("1", error.Trailers.GetValue("kernelbypass-failed-update"));
        Assert.Single(await ReadAsync(daemon));
    }

    [Fact]
    public async Task What_the_data_plane_refuses_is_told()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var full = Update(FlowUpdate.Types.Type.Insert, MakeFlow(2, 1, 2, FakeSwitch.RefusedCookie));
        var good = Update(FlowUpdate.Types.Type.Insert, MakeFlow(1, 1, 1));
        var error = await Fails(StatusCode.ResourceExhausted, async () => await daemon.Flows.WriteAsync(Request(true, good, full)));
        Assert.Contains("limits.flows_per_table", error.Status.Detail, StringComparison.Ordinal);
        Assert.Equal("1", error.Trailers.GetValue("kernelbypass-failed-update"));
        Assert.Empty(await ReadAsync(daemon));
        var response = await daemon.Flows.WriteAsync(Request(false, full, good));
        Assert.Equal([(int)StatusCode.ResourceExhausted, 0], response.Results.Select(result => result.Code));
        Assert.Single(await ReadAsync(daemon));
    }

    [Fact]
    public async Task Limits_are_held()
    {
        await using var daemon = await DaemonFixture.StartAsync("limits: {batch_flows: 4}\ngrpc: {max_message_bytes: 65536}\n");
        var updates = Enumerable.Range(0, 5).Select(i => Update(FlowUpdate.Types.Type.Insert, MakeFlow((uint)i))).ToArray();
        var error = await Fails(StatusCode.ResourceExhausted, async () => await daemon.Flows.WriteAsync(Request(false, updates)));
        Assert.Contains("limits.batch_flows is 4", error.Status.Detail, StringComparison.Ordinal);
        var huge = MakeFlow(1);
        huge.Match.Add(Is(Field.EthSrc, new byte[70_000]));
        await Fails(StatusCode.ResourceExhausted, async () => await daemon.Flows.WriteAsync(Request(false, Update(FlowUpdate.Types.Type.Insert, huge))));
    }

    [Fact]
    public async Task Delete_must_say_all_and_reads_are_filtered_and_limited()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var updates = Enumerable.Range(0, 1200).Select(i => Update(
            FlowUpdate.Types.Type.Insert, MakeFlow((uint)i, (uint)(i % 3) + 1, (byte)i, (ulong)(i % 2)))).ToArray();
        Assert.Equal(1200u, (await daemon.Flows.WriteAsync(Request(false, updates))).Applied);
        Assert.Equal(1200, (await ReadAsync(daemon)).Count);
        Assert.Equal(700, (await ReadAsync(daemon, limit: 700)).Count);
        Assert.Equal(400, (await ReadAsync(daemon, new V1.FlowFilter { OutPort = 2 })).Count);
        Assert.Single(await ReadAsync(daemon, new V1.FlowFilter { Priority = 17 }));
        await Fails(StatusCode.InvalidArgument, async () => await daemon.Flows.DeleteAsync(new DeleteFlowsRequest()));
        await Fails(StatusCode.InvalidArgument, async () => await ReadAsync(daemon, new V1.FlowFilter { Match = { Is(Field.TcpDst, 80) } }));
        var some = await daemon.Flows.DeleteAsync(new DeleteFlowsRequest { Filter = new() { Cookie = 1, CookieMask = 1 } });
        Assert.Equal(600UL, some.Deleted);
        Assert.Equal(600UL, (await daemon.Flows.DeleteAsync(new DeleteFlowsRequest { All = true })).Deleted);
        Assert.Empty(await ReadAsync(daemon));
    }

    [Fact]
    public async Task Streams_answer_in_order()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        using var call = daemon.Flows.WriteStream();
        var reading = Task.Run(async () =>
        {
            var ids = new List<ulong>();
            while (await call.ResponseStream.MoveNext(default)) ids.Add(call.ResponseStream.Current.Id);
            return ids;
        });
        for (var i = 0; i < 50; i++)
        {
            var request = Request(false, Update(FlowUpdate.Types.Type.Insert, MakeFlow((uint)i, 1, (byte)i)));
            request.Id = (ulong)i + 100;
            await call.RequestStream.WriteAsync(request);
        }

        await call.RequestStream.CompleteAsync();
        Assert.Equal(Enumerable.Range(100, 50).Select(i => (ulong)i), await reading);
        Assert.Equal(50, (await ReadAsync(daemon)).Count);
    }

    [Fact]
    public async Task Tables_are_listed()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var table = Assert.Single((await daemon.Flows.ListTablesAsync(new ListTablesRequest())).Tables);
        Assert.Equal((7UL, 5UL, 3u), (table.Lookups, table.Matches, table.Masks));
    }

    [Fact]
    public async Task A_message_that_is_none_fails_and_the_server_goes_on()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        var method = new Method<byte[], byte[]>(
            MethodType.Unary, "kernelbypass.v1.FlowService", "Write", Marshallers.Create(x => x, x => x), Marshallers.Create(x => x, x => x));
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var noise = new byte[random.Next(1, 200)];
            random.NextBytes(noise);
            try
            {
                await daemon.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, default, noise);
            }
            catch (RpcException e)
            {
                Assert.Contains(e.StatusCode, new[] { StatusCode.Internal, StatusCode.InvalidArgument });
            }
        }

        Assert.Empty(await ReadAsync(daemon));
    }

    [Fact]
    public async Task Updates_are_refused_while_there_is_no_data_plane()
    {
        await using var daemon = await DaemonFixture.StartAsync();
        daemon.Get<FlowManager>().Detach();
        await Fails(StatusCode.Unavailable, async () => await daemon.Flows.WriteAsync(Request(false, Update(FlowUpdate.Types.Type.Insert, MakeFlow(1)))));
    }
}
