using System.Diagnostics;
using KernelBypass.Channel.Client;
using KernelBypass.Model.Flows;

namespace KernelBypass.Channel.Tests;

/// <summary>The ring's own cost, with nothing behind it. The floor is low: two cores are shared with whatever else
/// runs.</summary>
public sealed class ThroughputTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public async Task Flow_commands_pass_in_great_numbers_and_the_server_allocates_nothing()
    {
        var spec = new FlowSpec
        {
            Match = [new(MatchField.EthType, [8, 0]), new(MatchField.IpProto, [6]), new(MatchField.Ipv4Src, [10, 0, 0, 1]),
                new(MatchField.TcpDst, [0, 80])],
            ApplyActions = [FlowAction.Output(2)],
        }.Encode();
        using var server = new ServerThread(_scratch.Run, new RecordingHandler { DiscardFlows = true });
        await using var client = await ControlClient.AttachAsync(_scratch.Run, new RecordingEvents(), new());
        var commands = new FlowCommandBuffer();
        for (var i = 0; i < 200_000; i++) commands.Add(spec);
        await client.WriteFlowsAsync(commands);
        long before = 0, after = 0;
        server.Post(_ => before = GC.GetAllocatedBytesForCurrentThread());
        await client.StatusAsync();
        var watch = Stopwatch.StartNew();
        const int Rounds = 5;
        for (var i = 0; i < Rounds; i++) Assert.All(await client.WriteFlowsAsync(commands), result => Assert.True(result.IsOk));
        var rate = Rounds * commands.Count / watch.Elapsed.TotalSeconds;
        server.Post(_ => after = GC.GetAllocatedBytesForCurrentThread());
        await client.StatusAsync();
        while (Volatile.Read(ref after) == 0) await Task.Delay(1);
        Console.WriteLine($"{rate:N0} FlowAdd/s of {spec.Length} bytes through the ring");
        Assert.True(rate > 10_000, $"{rate:N0} commands/s");
        // One StatusAsync stands between the two readings: its JSON is all there is.
        Assert.InRange(after - before, 0, 20_000);
    }
}
