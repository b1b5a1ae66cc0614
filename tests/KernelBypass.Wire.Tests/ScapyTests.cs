using System.Text.Json;

namespace KernelBypass.Wire.Tests;

/// <summary>Scapy (Debian's python3-scapy) and our views and builder read each other's frames and agree on every field.</summary>
public class ScapyTests
{
    private sealed record Line(SortedDictionary<string, string> Fields, bool Rebuilt, string Summary);

    [Fact]
    public void Scapy_reads_what_we_build()
    {
        (string Name, byte[] Frame)[] samples = [.. Samples.All()];
        using var directory = new TemporaryDirectory();
        string path = directory.File("ours.pcap");
        PcapFile.WriteAll(path, samples.Select(s => s.Frame));
        List<Line> lines = Scapy("check", path);
        Assert.Equal(samples.Length, lines.Count);
        Assert.True(samples.Length >= 100);
        for (int i = 0; i < samples.Length; i++)
        {
            Assert.True(lines[i].Rebuilt, $"{samples[i].Name}: scapy computes other lengths or checksums: {lines[i].Summary}");
            AssertSame(samples[i].Name, lines[i], PacketFields.Of(samples[i].Frame));
        }
    }

    [Fact]
    public void We_read_what_scapy_builds()
    {
        using var directory = new TemporaryDirectory();
        string path = directory.File("theirs.pcap");
        List<Line> lines = Scapy("make", path);
        List<PcapRecord> records = PcapFile.ReadAll(path);
        Assert.Equal(lines.Count, records.Count);
        Assert.True(records.Count >= 100);
        for (int i = 0; i < records.Count; i++)
        {
            AssertSame(lines[i].Summary, lines[i], PacketFields.Of(records[i].Data.Span));
            Assert.DoesNotContain("malformed", FrameDissector.Describe(records[i].Data.Span), StringComparison.Ordinal);
        }
    }

    private static void AssertSame(string name, Line theirs, PacketFields ours)
    {
        Assert.True(ours.ChecksumsValid, $"{name}: a checksum does not hold");
        string expected = string.Join('\n', theirs.Fields), actual = string.Join('\n', ours.Fields);
        Assert.True(expected == actual, $"{name}\nscapy:\n{expected}\nours:\n{actual}");
    }

    private static List<Line> Scapy(string verb, string path)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "Scapy", "scapy_peer.py");
        string output = Tool.Run("/usr/bin/python3", "python3-scapy", script, verb, path);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonSerializer.Deserialize<Line>(line, JsonSerializerOptions.Web)!)];
    }
}
