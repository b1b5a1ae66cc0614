using System.Diagnostics;
using System.Globalization;
using KernelBypass.Channel;
using KernelBypass.Channel.Client;
using KernelBypass.Channel.Messages;
using KernelBypass.Channel.SharedMemory;
using KernelBypass.Model.Flows;

namespace KernelBypass.DataPlane.Tests;

/// <summary>The process as kernelbypassd sees it. Needs libkbdpdk.so (native/build.sh) and two CPUs; no root, no
/// hugepages.</summary>
public sealed class ProcessTests
{
    private static readonly byte[] s_port1 = [0, 0, 0, 1];

    [Fact]
    public async Task Flows_in_packets_through_counters_right_and_a_killed_daemon_changes_nothing()
    {
        await using var dataPlane = DataPlaneProcess.Start();
        var events = new SilentEvents();
        var (input, output) = (Path.Combine(dataPlane.Directory, "in.pcap"), Path.Combine(dataPlane.Directory, "out.pcap"));
        Pcap.Write(input, Enumerable.Range(0, 1000).Select(i => Pcap.Udp((byte)(i % 10), (ushort)i)));
        Pcap.Write(Path.Combine(dataPlane.Directory, "none.pcap"));
        FlowResult[] results;
        await using (var client = await dataPlane.AttachAsync(events))
        {
            Assert.StartsWith("DPDK", client.DataPlane.DpdkVersion, StringComparison.Ordinal);
            await client.AttachPortAsync(Port(2, $"net_pcap1,rx_pcap={dataPlane.Directory}/none.pcap,tx_pcap={output}"));
            results = await Write(client,
                Flow(10, FlowAction.SetField(MatchField.EthDst, [2, 0, 0, 0, 0, 9]), FlowAction.DecTtl, FlowAction.Output(2)));
            Assert.True(results[0].IsOk, results[0].Error.Describe());
            await client.AttachPortAsync(Port(1, $"net_pcap0,rx_pcap={input},tx_pcap={dataPlane.Directory}/back.pcap"));
            await WaitForPackets(dataPlane, results[0].Slot, 1000);
            Assert.Equal(60_000UL, Counters(dataPlane, results[0].Slot).Bytes);
            await events.WaitFor("port Attached p1");
            Assert.Equal(["p1", "p2"], (await client.PortsAsync()).Ports.Select(port => port.Settings.Name));
        }

        KillDaemonInABatch(dataPlane.Run);
        await using var next = await dataPlane.AttachAsync(events);
        var flows = new List<DumpedFlow>();
        await foreach (var flow in next.DumpAllFlowsAsync()) flows.Add(flow);
        var only = Assert.Single(flows);
        Assert.Equal(new FlowHandle(results[0].Slot, results[0].Generation), only.Flow);
        Assert.Equal(10UL, FlowSpec.Decode(only.Spec).Cookie);
        Assert.Equal(1000UL, Counters(dataPlane, only.Flow.Slot).Packets);
        await next.DetachPortAsync("p2");
        var sent = Pcap.Read(output);
        Assert.Equal(1000, sent.Count);
        Assert.All(sent, frame => Assert.Equal((9, 63), (frame[5], frame[22])));
        var deleted = new FlowCommandBuffer();
        deleted.Delete(only.Flow);
        Assert.Equal(1000UL, (await next.WriteFlowsAsync(deleted))[0].Packets);
        Assert.Equal(0, await dataPlane.TerminateAsync());
        Assert.False(File.Exists(dataPlane.Run.Control), "control.shm is left");
        Assert.False(File.Exists(dataPlane.Run.Metrics), "metrics.shm is left");
        Assert.False(File.Exists(dataPlane.Run.FlowStats), "flowstats.shm is left");
        Assert.Contains("stopped", await events.WaitFor("closed the data plane"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traffic_and_flow_churn_allocate_nothing_and_collect_nothing()
    {
        await using var dataPlane = DataPlaneProcess.Start();
        await using var client = await dataPlane.AttachAsync();
        // A ring that sends what it receives: one packet goes round for ever.
        await client.AttachPortAsync(Port(1, "net_ring0"));
        var loop = await Write(client, Flow(1, FlowAction.Output(ReservedPort.InPort)));
        for (var i = 0; i < 32; i++) Assert.True(client.TryPacketOut(ReservedPort.Any, Output(1), Pcap.Udp(1, (ushort)i)));
        await WaitForPackets(dataPlane, loop[0].Slot, 10_000);
        var specs = Enumerable.Range(0, 5_000).Select(i => UdpFlow((ushort)i).Encode()).ToArray();
        await Churn(client, specs);
        await Task.Delay(300);
        var before = Metrics(dataPlane);
        var watch = Stopwatch.StartNew();
        var churned = 0;
        while (watch.Elapsed.TotalSeconds < 3 || churned < 20_000) churned += await Churn(client, specs);
        await Task.Delay(300);
        var after = Metrics(dataPlane);
        var allocated = after["kernelbypass_dataplane_gc_allocated"] - before["kernelbypass_dataplane_gc_allocated"];
        Console.WriteLine(
            $"{churned} flow commands, {Counters(dataPlane, loop[0].Slot).Packets} packets, {allocated} bytes allocated");
        // Other threads of the host may take one allocation context of 8 KB each.
        Assert.InRange(allocated, 0UL, 32_768UL);
        Assert.Equal(0UL, after["kernelbypass_dataplane_gc_collections"]);
        Assert.Equal(0, (await client.StatusAsync()).GcCollections);
    }

    [Fact]
    public async Task A_failed_batch_leaves_the_flows_as_they_were()
    {
        await using var dataPlane = DataPlaneProcess.Start();
        await using var client = await dataPlane.AttachAsync();
        var kept = await Write(client, UdpFlow(1));
        var batch = new FlowCommandBuffer();
        for (ushort i = 10; i < 20; i++) batch.Add(UdpFlow(i).Encode());
        batch.Modify(new(kept[0].Slot, kept[0].Generation), new FlowSpec { ApplyActions = [FlowAction.Drop] }.Encode());
        batch.Add(
            new FlowSpec { Priority = 10, Flags = FlowFlags.CheckOverlap, Match = [new(MatchField.EthType, [8, 0])] }.Encode());
        var outcome = await client.WriteFlowsAtomicallyAsync(batch);
        Assert.Equal((11, FlowErrorCode.Overlap), (outcome.FailedIndex, outcome.Failure.Code));
        var flows = new List<DumpedFlow>();
        await foreach (var flow in client.DumpAllFlowsAsync()) flows.Add(flow);
        Assert.Equal(UdpFlow(1).Encode(), Assert.Single(flows).Spec);
        Assert.Equal(new FlowHandle(kept[0].Slot, kept[0].Generation), flows[0].Flow);
    }

    [Fact]
    public async Task Timeouts_packet_ins_explain_capture_and_trace()
    {
        await using var dataPlane = DataPlaneProcess.Start();
        var events = new SilentEvents();
        await using var client = await dataPlane.AttachAsync(events);
        await client.AttachPortAsync(Port(1, "net_ring0"));
        await client.AttachPortAsync(Port(2, "net_null0,copy=0,no-rx=1"));
        var written = await Write(client, new FlowSpec
        {
            Priority = 5,
            Cookie = 77,
            HardTimeoutSeconds = 1,
            Match = [new(MatchField.InPort, s_port1)],
            ApplyActions = [FlowAction.Output(ReservedPort.Controller, 20), FlowAction.Output(2)],
        });
        var explained = await client.ExplainAsync(new(1, Pcap.Udp(1, 1)));
        Assert.Equal([2u], explained.Outputs.Select(output => output.Port));
        Assert.Contains("sent to port 2 (p2)", explained.Verdict, StringComparison.Ordinal);
        var matched = Assert.Single(explained.Steps, step => step.Kind == "table");
        Assert.Equal("table 0: priority 5 cookie 0x4d matched", matched.Text);
        Assert.Equal((0, written[0].Slot, written[0].Generation), (matched.TableId, matched.Slot, matched.Generation));
        await client.StartTraceAsync(new([], 1, 0));
        await client.StartCaptureAsync(new() { Ports = [2], Receive = false });
        Assert.True(client.TryPacketOut(ReservedPort.Any, Output(1), Pcap.Udp(3, 9)));
        Assert.Equal("packet-in 1 Action 77 20/60", await events.WaitFor("packet-in"));
        Assert.Equal("capture PortTx 2 60", await events.WaitFor("capture"));
        var traced = await events.WaitFor("trace 1 60");
        Assert.Contains("sent to port 2 (p2)", traced, StringComparison.Ordinal);
        Assert.Contains("table 0: priority 5 cookie 0x4d matched", traced, StringComparison.Ordinal);
        Assert.Equal("removed HardTimeout 77", await events.WaitFor("removed"));
        Assert.Contains("table_miss", (await client.ExplainAsync(new(1, Pcap.Udp(1, 1)))).Verdict, StringComparison.Ordinal);
        var refused = await Assert.ThrowsAsync<CommandException>(() => client.AttachPortAsync(Port(1, "net_ring7")));
        Assert.Equal(CommandErrorCode.AlreadyExists, refused.Code);
        refused = await Assert.ThrowsAsync<CommandException>(() => client.AttachPortAsync(Port(9, "net_nosuch0")));
        Assert.Equal(CommandErrorCode.FailedPrecondition, refused.Code);
        await client.ShutdownAsync(100);
        await dataPlane.Process.WaitForExitAsync();
        Assert.Equal(0, dataPlane.Process.ExitCode);
    }

    [Fact]
    public async Task Commands_pass_at_a_rate()
    {
        await using var dataPlane = DataPlaneProcess.Start();
        await using var client = await dataPlane.AttachAsync();
        var commands = new FlowCommandBuffer();
        for (var i = 0; i < 100_000; i++) commands.Add(HostFlow(i).Encode());
        var watch = Stopwatch.StartNew();
        Assert.All(await client.WriteFlowsAsync(commands), result => Assert.True(result.IsOk, result.Error.Describe()));
        Console.WriteLine($"{100_000 / watch.Elapsed.TotalSeconds:N0} flows/s into the tables");
        Assert.Equal(100_000UL, (await client.StatusAsync()).Flows);
    }

    [Fact]
    public async Task A_crash_leaves_nothing_that_keeps_the_next_one_from_starting()
    {
        await using var dataPlane = DataPlaneProcess.Start();
        await using (await dataPlane.AttachAsync()) dataPlane.Process.Kill();
        await dataPlane.Process.WaitForExitAsync();
        Assert.True(File.Exists(dataPlane.Run.Control));
        using var next = DataPlaneProcess.Launch("--config", Path.Combine(dataPlane.Directory, "dp.json"));
        try
        {
            await using var client = await dataPlane.AttachRetryAsync();
            Assert.Equal(next.Id, client.DataPlane.Pid);
            using var second = DataPlaneProcess.Launch("--config", Path.Combine(dataPlane.Directory, "dp.json"));
            var text = await second.StandardOutput.ReadToEndAsync();
            await second.WaitForExitAsync();
            Assert.Equal(3, second.ExitCode);
            Assert.Contains($"(pid {next.Id})", text, StringComparison.Ordinal);
        }
        finally
        {
            next.Kill();
            await next.WaitForExitAsync();
        }
    }

    private static async Task<int> Churn(ControlClient client, byte[][] specs)
    {
        var commands = new FlowCommandBuffer();
        foreach (var spec in specs) commands.Add(spec);
        var added = await client.WriteFlowsAsync(commands);
        commands.Clear();
        foreach (var result in added) commands.Delete(new(result.Slot, result.Generation));
        Assert.All(await client.WriteFlowsAsync(commands), result => Assert.True(result.IsOk, result.Error.Describe()));
        return 2 * specs.Length;
    }

    private static async Task<FlowResult[]> Write(ControlClient client, params FlowSpec[] flows)
    {
        var commands = new FlowCommandBuffer();
        foreach (var flow in flows) commands.Add(flow.Encode());
        return await client.WriteFlowsAsync(commands);
    }

    private static PortSettings Port(uint number, string device) =>
        new() { Name = $"p{number}", Number = number, Device = device, Promiscuous = true };

    private static FlowSpec Flow(ulong cookie, params FlowAction[] actions) => new()
    {
        Priority = 1,
        Cookie = cookie,
        Match = [new(MatchField.InPort, s_port1), new(MatchField.EthType, [8, 0])],
        ApplyActions = actions,
    };

    private static FlowSpec UdpFlow(ushort port) => new()
    {
        Priority = 10,
        Match = [new(MatchField.EthType, [8, 0]), new(MatchField.IpProto, [17]),
            new(MatchField.UdpDst, [(byte)(port >> 8), (byte)port])],
        ApplyActions = [FlowAction.Output(ReservedPort.InPort)],
    };

    private static FlowSpec HostFlow(int host) => new()
    {
        Priority = 10,
        Match = [new(MatchField.EthType, [8, 0]),
            new(MatchField.Ipv4Src, [10, (byte)(host >> 16), (byte)(host >> 8), (byte)host])],
        ApplyActions = [FlowAction.Drop],
    };

    private static byte[] Output(uint port) => [(byte)ActionKind.Output, 6, .. FlowAction.Output(port).Payload];

    private static FlowCounters Counters(DataPlaneProcess dataPlane, uint slot)
    {
        using var reader = FlowStatsReader.Open(dataPlane.Run);
        return reader.Read(slot);
    }

    private static async Task WaitForPackets(DataPlaneProcess dataPlane, uint slot, ulong packets)
    {
        for (var i = 0; Counters(dataPlane, slot).Packets < packets; i++)
        {
            Assert.True(i < 1000, $"{Counters(dataPlane, slot).Packets} of {packets} packets\n{dataPlane.Output}");
            await Task.Delay(10);
        }
    }

    private static Dictionary<string, ulong> Metrics(DataPlaneProcess dataPlane)
    {
        using var reader = MetricsReader.Open(dataPlane.Run);
        return reader.Snapshot().Samples.GroupBy(sample => sample.Metric.Name)
            .ToDictionary(group => group.Key, group => group.Aggregate(0UL, (sum, sample) => sum + sample.Value));
    }

    /// <summary>A daemon in a process of its own, that is killed with SIGKILL while a batch of it is half sent.</summary>
    private static void KillDaemonInABatch(RunDirectory run)
    {
        const string Daemon = """
            import fcntl, mmap, os, struct, sys, time
            lock = open(sys.argv[1], 'r+b')
            fcntl.fcntl(lock, 37, struct.pack('hhqqi4x', 1, 0, 0, 0, 0))
            control = open(sys.argv[2], 'r+b')
            m = mmap.mmap(control.fileno(), 0)
            epoch = struct.unpack_from('I', m, 324)[0] + 1
            struct.pack_into('I', m, 324, epoch)
            while struct.unpack_from('I', m, 260)[0] != epoch: time.sleep(0.001)
            ring = struct.unpack_from('Q', m, 64)[0]
            struct.pack_into('IHHQ', m, ring + 4096, 0, 4, 0, 1)
            struct.pack_into('IHHQ', m, ring + 4112, 0, 1, 0, 2)
            struct.pack_into('Q', m, ring, 32)
            time.sleep(0.05)
            os.kill(os.getpid(), 9)
            """;
        using var daemon = Process.Start("/usr/bin/python3", ["-c", Daemon, run.DaemonLock, run.Control]);
        daemon.WaitForExit();
        Assert.Equal(137, daemon.ExitCode);
    }
}
