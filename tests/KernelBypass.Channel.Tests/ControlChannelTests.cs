using KernelBypass.Channel.Client;
using KernelBypass.Channel.Messages;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Tests;

public sealed class ControlChannelTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();
    private readonly RecordingHandler _handler = new();
    private readonly RecordingEvents _events = new();
    private readonly ServerThread _server;

    public ControlChannelTests() => _server = new ServerThread(_scratch.Run, _handler);

    public void Dispose()
    {
        _server.Dispose();
        _scratch.Dispose();
    }

    [Fact]
    public async Task A_daemon_attaches_and_the_data_plane_introduces_itself()
    {
        await using var client = await Attach();
        Assert.Equal("hello test", client.DataPlane.Version);
        Assert.Equal($"attached {Environment.ProcessId}", _handler.Attachments.Single());
    }

    [Fact]
    public async Task Flow_commands_are_answered_in_order_with_their_handles()
    {
        await using var client = await Attach();
        var commands = new FlowCommandBuffer();
        for (var i = 0; i < 10_000; i++) commands.Add([(byte)(i == 5000 ? 0xee : 1), (byte)i, (byte)(i >> 8)]);
        var results = await client.WriteFlowsAsync(commands);
        Assert.Equal(10_000, results.Length);
        Assert.Equal(FlowErrorCode.BadVersion, results[5000].Code);
        Assert.Equal((MatchField.EthDst, (short)3), (results[5000].Field, results[5000].ActionIndex));
        Assert.Equal(9_999, results.Count(result => result.IsOk));
        Assert.Equal(
            Enumerable.Range(0, 9_999).Select(i => (uint)i), results.Where(result => result.IsOk).Select(result => result.Slot));
        Assert.Equal(9_999, _handler.Live);
    }

    [Fact]
    public async Task Modify_and_delete_name_a_flow_by_its_handle()
    {
        await using var client = await Attach();
        var commands = new FlowCommandBuffer();
        commands.Add([1]);
        commands.Modify(new(0, 7), [2, 2]);
        commands.Delete(new(0, 8));
        commands.Delete(new(0, 7));
        commands.Delete(new(0, 7));
        var results = await client.WriteFlowsAsync(commands);
        Assert.Equal(
            [FlowErrorCode.None, FlowErrorCode.None, FlowErrorCode.StaleHandle, FlowErrorCode.None, FlowErrorCode.StaleHandle],
            results.Select(result => result.Code));
        Assert.Equal((5UL, 6UL, 7UL), (results[3].Packets, results[3].Bytes, results[3].DurationNs));
    }

    [Fact]
    public async Task A_batch_is_applied_whole_or_not_at_all()
    {
        await using var client = await Attach();
        var commands = new FlowCommandBuffer();
        for (var i = 0; i < 900; i++) commands.Add([1, (byte)i]);
        var outcome = await client.WriteFlowsAtomicallyAsync(commands);
        Assert.True(outcome.Applied);
        Assert.Equal(900, outcome.Results.Length);
        commands.Add([0xee]);
        outcome = await client.WriteFlowsAtomicallyAsync(commands);
        Assert.False(outcome.Applied);
        Assert.Equal((900, FlowErrorCode.Overlap), (outcome.FailedIndex, outcome.Failure.Code));
        Assert.Equal(900, _handler.Live);
    }

    [Fact]
    public async Task A_batch_beyond_the_limit_is_refused()
    {
        await using var client = await Attach();
        var commands = new FlowCommandBuffer();
        for (var i = 0; i < 1001; i++) commands.Add([1]);
        var outcome = await client.WriteFlowsAtomicallyAsync(commands);
        Assert.Equal(FlowErrorCode.BatchTooLarge, outcome.Failure.Code);
        Assert.Equal(0, _handler.Live);
        commands.Clear();
        commands.Add([1]);
        Assert.True((await client.WriteFlowsAsync(commands))[0].IsOk);
    }

    [Fact]
    public async Task A_dump_gives_every_flow_once()
    {
        await using var client = await Attach();
        var commands = new FlowCommandBuffer();
        for (var i = 0; i < 5_000; i++) commands.Add([1, (byte)i, (byte)(i >> 8), .. new byte[50]]);
        await client.WriteFlowsAsync(commands);
        var slots = new List<uint>();
        await foreach (var flow in client.DumpAllFlowsAsync())
        {
            Assert.Equal((uint)(flow.Spec[1] | (flow.Spec[2] << 8)), flow.Flow.Slot);
            slots.Add(flow.Flow.Slot);
        }

        Assert.Equal(Enumerable.Range(0, 5_000).Select(i => (uint)i), slots);
    }

    [Fact]
    public async Task A_long_answer_comes_in_parts_and_a_refusal_with_its_code()
    {
        await using var client = await Attach();
        Assert.Equal(5000, (await client.PortsAsync()).Ports.Count);
        var refusal = await Assert.ThrowsAsync<CommandException>(() => client.AttachPortAsync(new() { Name = "p0" }));
        Assert.Equal((CommandErrorCode.AlreadyExists, "port p0 is there"), (refusal.Code, refusal.Message));
        Assert.Equal(9000u, (await client.SetPortAsync(new() { Port = "p1", Mtu = 9000 })).Settings.Mtu);
        Assert.Equal(ulong.MaxValue, (await client.PortXStatsAsync("x")).XStats["x"]);
        Assert.Equal("3/14", (await client.ExplainAsync(new(3, new byte[14]))).Verdict);
    }

    [Fact]
    public async Task Events_and_packets_reach_the_daemon()
    {
        await using var client = await Attach();
        _server.Post(server =>
        {
            Assert.True(server.TellFlowRemoved(new() { Flow = new(4, 1), Reason = FlowRemovedReason.IdleTimeout, Packets = 9 }));
            Assert.True(server.TellPort(new(PortEventKind.LinkUp, new() { Settings = new() { Name = "p0" } })));
            Assert.True(server.TellLog(LogSeverity.Warning, "look\nout"));
            Assert.True(server.TellPacketIn(new() { InPort = 2, Reason = PacketInReason.Action }, new byte[60]));
            Assert.True(server.TellCapture(new() { CaptureId = 5, Point = CapturePoint.Drop }, new byte[64]));
            Assert.True(server.TellTrace(new() { TraceId = 6, DataBytes = 20 }, new byte[50]));
        });
        await _events.WaitFor("removed 4 IdleTimeout 9");
        await _events.WaitFor("port LinkUp p0");
        await _events.WaitFor("log Warning look out");
        await _events.WaitFor("packet-in 2 Action 60");
        await _events.WaitFor("capture 5 Drop 64");
        await _events.WaitFor("trace 6 20 30");
        Assert.True(client.TryPacketOut(1, [1, 2, 3], new byte[60]));
        await client.StatusAsync();
        while (_handler.PacketOuts.Count == 0) await Task.Delay(1);
        Assert.Equal(60, _handler.PacketOuts[0].Length);
    }

    private Task<ControlClient> Attach() => ControlClient.AttachAsync(_scratch.Run, _events, new() { Version = "test" });
}
