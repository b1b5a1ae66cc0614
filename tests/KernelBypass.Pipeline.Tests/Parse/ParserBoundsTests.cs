using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Tests.Parse;

/// <summary>Frames that end, or begin, at an unreadable page: whatever their bytes, the parser stays inside.</summary>
public unsafe class ParserBoundsTests
{
    [Fact]
    public void Every_sample_cut_at_every_length()
    {
        using var guard = new GuardPage();
        foreach (var frame in FrameSamples.All)
            for (var length = 0; length <= frame.Length; length++) ParseGuarded(guard, frame.AsSpan(0, length));
    }

    [Fact]
    public void Mutants_and_random_bytes()
    {
        using var guard = new GuardPage();
        var random = new Random(3);
        for (var seed = 0; seed < 60_000; seed++)
        {
            ParseGuarded(guard, FrameSamples.Mutant(seed + 1_000_000));
            var bytes = new byte[random.Next(100)];
            random.NextBytes(bytes);
            ParseGuarded(guard, bytes);
        }
    }

    [Fact]
    public void A_first_segment_shorter_than_the_frame()
    {
        using var guard = new GuardPage();
        foreach (var frame in FrameSamples.All)
        {
            for (var readable = 0; readable < frame.Length; readable++)
            {
                PacketMeta meta = default;
                var whole = ParseRig.Parse(frame).Meta;
                var verdict = Parser.Parse(guard.PutAtEnd(frame.AsSpan(0, readable)), readable, frame.Length, &meta);
                meta.InPort = 0;

                // Either it says that something is missing, or it has seen all it needs.
                if (verdict == ParserVerdict.Ok) Assert.Equal((whole.L3Offset, whole.L4Offset, whole.Kinds), (meta.L3Offset, meta.L4Offset, meta.Kinds));
            }
        }
    }

    private static void ParseGuarded(GuardPage guard, ReadOnlySpan<byte> frame)
    {
        PacketMeta atEnd = default, atStart = default;
        var verdict = Parser.Parse(guard.PutAtEnd(frame), frame.Length, frame.Length, &atEnd);
        Assert.Equal(verdict, Parser.Parse(guard.PutAtStart(frame), frame.Length, frame.Length, &atStart));
        if (verdict == ParserVerdict.Ok) Assert.True(atEnd.Key.Bytes.SequenceEqual(atStart.Key.Bytes));
    }
}
