using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;

namespace KernelBypass.Dpdk.Tests;

[Collection(EalCollection.Name)]
public sealed unsafe class LogTests(EalFixture eal)
{
    private const uint User1 = 24; // RTE_LOGTYPE_USER1

    [Theory]
    [InlineData(0u, DpdkLogLevel.Emergency)]
    [InlineData(1u, DpdkLogLevel.Emergency)]
    [InlineData(2u, DpdkLogLevel.Alert)]
    [InlineData(3u, DpdkLogLevel.Critical)]
    [InlineData(4u, DpdkLogLevel.Error)]
    [InlineData(5u, DpdkLogLevel.Warning)]
    [InlineData(6u, DpdkLogLevel.Notice)]
    [InlineData(7u, DpdkLogLevel.Info)]
    [InlineData(8u, DpdkLogLevel.Debug)]
    [InlineData(uint.MaxValue, DpdkLogLevel.Debug)]
    public void Levels_are_dpdks(uint level, DpdkLogLevel expected) =>
        Assert.Equal(expected, DpdkLogEntry.Parse(level, "x").Level);

    [Theory]
    [InlineData("EAL: Detected CPU lcores: 2", "EAL", "Detected CPU lcores: 2")]
    [InlineData("VHOST_CONFIG: (x) new", "VHOST_CONFIG", "(x) new")]
    [InlineData("tap_probe(): failed", "", "tap_probe(): failed")]
    [InlineData("Some text: more", "", "Some text: more")]
    [InlineData(": x", "", ": x")]
    public void The_component_is_what_stands_before_the_colon(string line, string component, string message) =>
        Assert.Equal(new DpdkLogEntry(DpdkLogLevel.Info, component, message), DpdkLogEntry.Parse(7, line));

    [Fact]
    public void Eal_s_own_lines_arrived_with_their_level() => Assert.Contains(
        eal.Log,
        entry => entry is { Level: DpdkLogLevel.Info, Component: "EAL" } &&
            entry.Message.Contains("IOVA", StringComparison.Ordinal));

    [Fact]
    public void A_line_split_over_writes_is_one_and_lines_written_at_once_are_many()
    {
        string tag = eal.NewName("tag");
        Write(DpdkLogLevel.Warning, $"SPLIT: {tag} one");
        Write(DpdkLogLevel.Warning, " two\n");
        Write(DpdkLogLevel.Notice, $"FIRST: {tag} a\nSECOND: {tag} b\n");

        Assert.Equal(
            [
                new DpdkLogEntry(DpdkLogLevel.Warning, "SPLIT", $"{tag} one two"),
                new DpdkLogEntry(DpdkLogLevel.Notice, "FIRST", $"{tag} a"),
                new DpdkLogEntry(DpdkLogLevel.Notice, "SECOND", $"{tag} b"),
            ],
            Entries(tag, 3));
    }

    [Fact]
    public void A_message_without_its_newline_ends_where_another_level_begins()
    {
        string tag = eal.NewName("tag");
        Write(DpdkLogLevel.Error, $"OPEN: {tag}");
        Write(DpdkLogLevel.Warning, $"NEXT: {tag}\n");
        Assert.Equal([DpdkLogLevel.Error, DpdkLogLevel.Warning], Entries(tag, 2).Select(entry => entry.Level));
    }

    [Fact]
    public void Threads_do_not_mix_their_lines()
    {
        string tag = eal.NewName("tag");
        var threads = Enumerable.Range(0, 4).Select(n => new Thread(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                Write(DpdkLogLevel.Warning, $"T: {tag} {n} ");
                Thread.Yield();
                Write(DpdkLogLevel.Warning, $"{n} {i}\n");
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());

        List<DpdkLogEntry> entries = Entries(tag, 80);
        Assert.Equal(80, entries.Count);
        for (int n = 0; n < 4; n++)
        {
            Assert.Equal(
                Enumerable.Range(0, 20).Select(i => $"{tag} {n} {n} {i}"),
                entries.Select(entry => entry.Message).Where(text => text.StartsWith($"{tag} {n} ", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void A_line_longer_than_the_shim_s_goes_on_in_the_next()
    {
        string tag = eal.NewName("tag");
        string text = $"LONG: {tag} " + new string('x', 600);
        Write(DpdkLogLevel.Warning, text + "\n");
        bool IsRest(DpdkLogEntry entry) => entry.Message.EndsWith('x') && !entry.Message.Contains(tag, StringComparison.Ordinal);
        Assert.True(Traffic.Until(() => eal.Log.Any(IsRest)));
        Assert.Contains(eal.Log, entry => entry.Component == "LONG" && entry.Message.Contains(tag, StringComparison.Ordinal));
    }

    private List<DpdkLogEntry> Entries(string tag, int count)
    {
        bool IsTagged(DpdkLogEntry entry) => (entry.Message + " ").Contains(tag + " ", StringComparison.Ordinal);
        List<DpdkLogEntry> Now() => [.. eal.Log.Where(IsTagged)];
        Traffic.Until(() => Now().Count >= count);
        return Now();
    }

    // Through rte_log itself, found in what libkbdpdk links to, so that the version of DPDK does not matter.
    private static void Write(DpdkLogLevel level, string text)
    {
        nint library = NativeLibrary.Load(Kb.CandidatePaths(AppContext.BaseDirectory, null).First(File.Exists));
        var log = (delegate* unmanaged<uint, uint, byte*, int>)NativeLibrary.GetExport(library, "rte_log");
        fixed (byte* format = Kb.Zero(text))
            Assert.True(log((uint)level, User1, format) >= 0);
        NativeLibrary.Free(library);
    }
}
