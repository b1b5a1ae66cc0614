using KernelBypass.Channel.Client;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.Server;
using KernelBypass.Channel.SharedMemory;

namespace KernelBypass.Channel.Tests;

public sealed class AttachmentTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();
    private readonly RecordingHandler _handler = new();
    private readonly RecordingEvents _events = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task A_second_daemon_is_refused_with_the_pid_of_the_first()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        await using var first = await Attach();
        var refused = await Assert.ThrowsAsync<ChannelBusyException>(Attach);
        Assert.Equal(Environment.ProcessId, refused.OwnerPid);
        Assert.Contains($"pid {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        await first.StatusAsync();
    }

    [Fact]
    public void A_second_data_plane_is_refused()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        var refused = Assert.Throws<ChannelBusyException>(() => ControlServer.Create(_scratch.Run, new ChannelOptions()));
        Assert.Equal(Environment.ProcessId, refused.OwnerPid);
    }

    [Fact]
    public async Task Without_a_data_plane_the_message_says_so()
    {
        var absent = await Assert.ThrowsAsync<ChannelException>(Attach);
        Assert.Contains("no kernelbypass-dataplane runs", absent.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_version_of_the_layout_is_refused()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        using (var file = File.OpenWrite(_scratch.Run.Control))
        {
            file.Position = 8;
            file.WriteByte(99);
        }

        var refused = await Assert.ThrowsAsync<ChannelException>(Attach);
        Assert.Contains("version 99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_daemon_that_dies_in_a_batch_leaves_nothing_of_it()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        HalfABatch();
        while (_handler.Attachments.Count < 2) await Task.Delay(5);
        Assert.Equal("the daemon ended", _handler.Attachments[1]);
        await using var next = await Attach();
        var commands = new FlowCommandBuffer();
        commands.Add([1]);
        Assert.Single(await next.WriteFlowsAsync(commands));
        Assert.Equal(1, _handler.Live);
    }

    [Fact]
    public async Task The_next_daemon_may_come_at_once()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        for (var i = 0; i < 20; i++)
        {
            HalfABatch();
            await using var next = await Attach();
            Assert.Equal(0UL, (await next.StatusAsync()).Flows);
        }
    }

    [Fact]
    public async Task A_daemon_that_breaks_the_protocol_is_shut_out_and_may_attach_again()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        await using (await Attach())
        {
            using var file = File.OpenWrite(_scratch.Run.Control);
            file.Position = 4096;
            file.Write(BitConverter.GetBytes(12345UL));
            await file.FlushAsync();
            Assert.Contains("attach anew", await _events.WaitFor("closed"), StringComparison.Ordinal);
        }

        Assert.Contains("broke the channel's protocol", _handler.Attachments[^1], StringComparison.Ordinal);
        await using var next = await Attach();
        await next.StatusAsync();
    }

    [Fact]
    public async Task When_the_data_plane_stops_waiting_calls_fail()
    {
        var server = new ServerThread(_scratch.Run, _handler);
        await using var client = await Attach();
        server.Paused = true;
        await Task.Delay(20);
        var call = client.StatusAsync();
        server.Dispose();
        var failure = await Assert.ThrowsAsync<ChannelException>(() => call);
        Assert.Contains("has stopped", failure.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_scratch.Run.Control));
        Assert.False(File.Exists(_scratch.Run.DataPlaneBell));
    }

    [Fact]
    public async Task A_data_plane_that_does_not_answer_is_timed_out_and_one_that_does_not_read_is_given_up()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        var options = new ControlClientOptions { CommandTimeout = TimeSpan.FromMilliseconds(200) };
        await using var client = await ControlClient.AttachAsync(_scratch.Run, _events, options);
        server.Paused = true;
        await Task.Delay(20);
        var late = await Assert.ThrowsAsync<TimeoutException>(() => client.StatusAsync());
        Assert.Contains("unknown", late.Message, StringComparison.Ordinal);
        var commands = new FlowCommandBuffer();
        for (var i = 0; i < 100; i++) commands.Add(new byte[100_000]);
        var closed = await Assert.ThrowsAsync<ChannelException>(() => client.WriteFlowsAsync(commands));
        Assert.Contains("has not read a command", closed.Message, StringComparison.Ordinal);
        server.Paused = false;
    }

    [Fact]
    public async Task Calls_from_many_threads_each_get_their_own_answer()
    {
        using var server = new ServerThread(_scratch.Run, _handler);
        await using var client = await Attach();
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), async (i, stop) =>
        {
            if (i % 3 == 0)
            {
                Assert.Equal($"{i}/{i + 14}", (await client.ExplainAsync(new((uint)i, new byte[i + 14]), stop)).Verdict);
                return;
            }

            var commands = new FlowCommandBuffer();
            for (var k = 0; k < 300; k++) commands.Add([1]);
            if (i % 3 == 1)
                Assert.Equal(300, (await client.WriteFlowsAsync(commands, stop)).Length);
            else
                Assert.Equal(300, (await client.WriteFlowsAtomicallyAsync(commands, stop)).Results.Length);
        });
    }

    /// <summary>What a daemon leaves that was killed between BatchBegin and BatchCommit: the kernel frees its lock, no
    /// more.</summary>
    private void HalfABatch()
    {
        using var taken = SharedLock.TryTake(_scratch.Run.DaemonLock);
        Assert.NotNull(taken);
        using var region = ControlRegion.Open(_scratch.Run.Control);
        var epoch = ++region.RequestedEpoch;
        while (Volatile.Read(ref region.AcknowledgedEpoch) != epoch) Thread.Sleep(1);
        var writer = region.Writer(RingId.Command);
        writer.TryWrite(MessageType.BatchBegin, default, 1, []);
        for (var i = 0; i < 100; i++) writer.TryWrite(MessageType.FlowAdd, default, 1, [1]);
    }

    private Task<ControlClient> Attach() => ControlClient.AttachAsync(_scratch.Run, _events, new());
}
