using System.Text.Json;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Tests.Engine;

public sealed class CatalogueTests
{
    [Fact]
    public void Drop_reasons_are_numbered_from_one_and_named_once()
    {
        var reasons = StageCatalogue.Default.DropReasons;
        Assert.Equal(Enumerable.Range(1, reasons.Count), reasons.Select(r => (int)r.Number));
        Assert.Empty(reasons.GroupBy(r => r.Declaration.Name).Where(g => g.Count() > 1).Select(g => g.Key));
        foreach (var kind in StageCatalogue.Default.Kinds)
        {
            var first = StageCatalogue.Default.FirstDropReason(kind.Declaration.Kind);
            for (var i = 0; i < kind.Declaration.DropReasons.Count; i++)
                Assert.Same(kind.Declaration.DropReasons[i], reasons[first - 1 + i].Declaration);
        }
    }

    [Fact]
    public void Describe_is_json_with_every_kind()
    {
        using var json = JsonDocument.Parse(StageCatalogue.Default.Describe());
        Assert.Equal(
            ["rx", "parse", "classify", "actions", "wire", "tx"], json.RootElement.EnumerateArray().Select(k => k.GetProperty("kind").GetString()!));
        var wire = json.RootElement.EnumerateArray().Single(k => k.GetProperty("kind").GetString() == "wire");
        Assert.Equal(65_279, wire.GetProperty("options")[0].GetProperty("maximum").GetInt64());
    }

    [Theory]
    [InlineData("0 MB of options", "ring_size", 3)]
    [InlineData("too long a sleep", "idle.max_sleep_us", 2_000_000)]
    public void Engine_options_out_of_bounds_are_refused_by_name(string why, string option, int value)
    {
        var options = option == "ring_size" ? new EngineOptions { RingSize = value } : new EngineOptions { MaxSleepMicroseconds = value };
        var message = Assert.Throws<PipelineException>(options.Checked).Message;
        Assert.True(message.Contains(option, StringComparison.Ordinal), why);
    }

    [Fact]
    public unsafe void The_software_hash_keeps_flows_together_and_spreads_them()
    {
        var frame = stackalloc byte[64];
        var seen = new HashSet<uint>();
        for (var flow = 0; flow < 1000; flow++)
        {
            UdpFrame(frame, flow);
            var hash = SoftwareFlowHash.Compute(frame, 64);
            frame[14 + 8]--; // TTL is no part of a flow
            Assert.Equal(hash, SoftwareFlowHash.Compute(frame, 64));
            seen.Add(hash);
        }

        Assert.True(seen.Count > 990);
        var buckets = seen.GroupBy(h => ((ulong)h * 4) >> 32).Select(g => g.Count()).ToArray();
        Assert.Equal(4, buckets.Length);
        Assert.All(buckets, b => Assert.InRange(b, 150, 350));
        for (var length = 0; length < 64; length++) Assert.NotEqual(0u, SoftwareFlowHash.Compute(frame, length));
    }

    private static unsafe void UdpFrame(byte* frame, int flow)
    {
        new Span<byte>(frame, 64).Clear();
        frame[12] = 8;
        frame[14] = 0x45;
        frame[22] = 64;
        frame[23] = 17;
        frame[29] = 1;
        frame[33] = 2;
        frame[34] = (byte)(flow >> 8);
        frame[35] = (byte)flow;
    }
}
