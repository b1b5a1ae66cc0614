using KernelBypass.Channel.SharedMemory;
using KernelBypass.Model.Declarations;

namespace KernelBypass.Channel.Tests;

public sealed unsafe class StatisticsTests : IDisposable
{
    private static readonly MetricDeclaration s_packets = new(
        "kernelbypass_test_packets", "{packet}", "Packets.", MetricKind.Counter, "port", "lcore");
    private static readonly MetricDeclaration s_level = new(
        "kernelbypass_test_level", "1", "Level, in \u00b5.", MetricKind.Gauge);
    private readonly ScratchDirectory _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Counters_describe_themselves_and_come_and_go()
    {
        using var writer = MetricsWriter.Create(_scratch.Run, 64);
        using var reader = MetricsReader.Open(_scratch.Run);
        Assert.Empty(reader.Snapshot().Samples);
        var p0 = writer.Add(1, s_packets, "p0", "1");
        var level = writer.Add(-1, s_level);
        var p1 = writer.Add(1, s_packets, "p1", "1");
        (*p0, *level, *p1) = (10, 20, 30);
        Assert.Equal(["p0,1=10", "p1,1=30", "=20"], Lines(reader));
        Assert.Equivalent(s_level, reader.Snapshot().Samples[2].Metric);
        writer.Remove(p0);
        Assert.Equal(["p1,1=30", "=20"], Lines(reader));
        var p2 = writer.Add(1, s_packets, "p2", "1");
        Assert.True(p2 == p0);
        Assert.Equal(0UL, *p2);
        Assert.Equal(["p2,1=0", "p1,1=30", "=20"], Lines(reader));
    }

    [Fact]
    public void Owners_never_share_a_cache_line()
    {
        using var writer = MetricsWriter.Create(_scratch.Run, 256);
        var lines = new Dictionary<ulong, int>();
        for (var i = 0; i < 200; i++)
        {
            var owner = i % 5 - 1;
            var line = (ulong)writer.Add(owner, s_packets, $"p{i}", "0") / 64;
            Assert.Equal(owner, lines.TryGetValue(line, out var first) ? first : lines[line] = owner);
        }
    }

    [Fact]
    public void A_full_space_bad_labels_and_two_meanings_of_a_name_are_refused()
    {
        using var writer = MetricsWriter.Create(_scratch.Run, 2);
        writer.Add(0, s_packets, "a", "b");
        Assert.Throws<InvalidOperationException>(() => { writer.Add(0, s_packets, "a"); });
        Assert.Throws<InvalidOperationException>(() => { writer.Add(0, s_packets, new string('x', 300), "b"); });
        Assert.Throws<InvalidOperationException>(() => { writer.Add(0, s_packets with { Unit = "By" }, "a", "b"); });
        writer.Add(0, s_level);
        var full = Assert.Throws<InvalidOperationException>(() => { writer.Add(0, s_level); });
        Assert.Contains("2 instances", full.Message, StringComparison.Ordinal);
        using var reader = MetricsReader.Open(_scratch.Run);
        Assert.Equal(2, reader.Snapshot().Samples.Count);
    }

    [Fact]
    public void A_reader_survives_a_hostile_directory()
    {
        using var writer = MetricsWriter.Create(_scratch.Run, 8);
        for (var i = 0; i < 8; i++) writer.Add(0, s_packets, $"p{i}", "0");
        using var reader = MetricsReader.Open(_scratch.Run);
        var whole = File.ReadAllBytes(_scratch.Run.Metrics);
        var random = new Random(7);
        var refused = 0;
        for (var i = 0; i < 20; i++)
        {
            using (var file = File.OpenWrite(_scratch.Run.Metrics))
            {
                var spoilt = whole.ToArray();
                for (var k = 0; k < 20; k++) spoilt[4096 + random.Next(256)] = (byte)random.Next();
                random.NextBytes(spoilt.AsSpan((int)MetricsLayout.InstancesOffset + 256 * random.Next(8), 16));
                BitConverter.TryWriteBytes(spoilt.AsSpan(128), (uint)(1000 + 2 * i));
                file.Write(spoilt);
            }

            try
            {
                reader.Snapshot();
            }
            catch (ChannelException)
            {
                refused++;
            }
        }

        Assert.True(refused > 0, "no spoilt directory was noticed");
    }

    [Fact]
    public void Flow_counters_are_summed_over_lcores_and_the_file_is_sparse()
    {
        using var writer = FlowStatsWriter.Create(_scratch.Run, lcores: 3, flows: 1_000_000);
        using var reader = FlowStatsReader.Open(_scratch.Run);
        Assert.True(writer.TryReserve(5000));
        Assert.False(writer.TryReserve(1_000_000));
        for (var i = 0; i < 3; i++) writer.ForLcore(i)[5000] = new() { Packets = 1UL << i, Bytes = 100UL << i };
        var sum = reader.Read(5000);
        Assert.Equal((7UL, 700UL), (sum.Packets, sum.Bytes));
        Assert.Equal(0UL, reader.Read(uint.MaxValue).Packets);
        Assert.Throws<ArgumentOutOfRangeException>(() => { writer.ForLcore(3); });
    }

    private static IEnumerable<string> Lines(MetricsReader reader) =>
        reader.Snapshot().Samples.Select(sample => $"{string.Join(',', sample.LabelValues)}={sample.Value}");
}
