using Google.Protobuf;
using KernelBypass.SwitchBench.Duts;
using KernelBypass.SwitchBench.Traffic;
using KernelBypass.V1;
using KernelBypass.Wire;

namespace KernelBypass.SwitchBench;

/// <summary>Teaches the switch where the 10,000 destination MACs are: packet-outs that count as received on port 2.</summary>
internal static class LearnRow
{
    private const int Macs = 10_000;

    internal static async Task TeachAsync(SwitchDut dut)
    {
        using var call = dut.Packets.PacketOuts();
        for (var i = 0; i < Macs; i++)
        {
            var frame = FrameBuilder.Ethernet("02:00:00:00:00:01", PacketFiles.Mac(2, i)).EtherType(0x88b5).PayloadLength(46).Build();
            var request = new PacketOutRequest { Data = UnsafeByteOperations.UnsafeWrap(frame), InPort = 2 };
            request.Actions.Add(new V1.Action { Output = new() { Port = 0xfffffff9 } });
            await call.RequestStream.WriteAsync(request);
            if (i % 200 == 199) await Task.Delay(5); // within the packet-out ring's limit
        }

        await call.RequestStream.CompleteAsync();
        await call.ResponseAsync;
        await ProcessRun.UntilAsync(
            async () => (await dut.Pipeline.ListMacsAsync(new ListMacsRequest())).Macs.Count(mac => mac.Port == 2) >= Macs,
            20, $"learning {Macs} addresses on port 2");
    }
}
