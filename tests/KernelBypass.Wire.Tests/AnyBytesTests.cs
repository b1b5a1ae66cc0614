namespace KernelBypass.Wire.Tests;

/// <summary>Whatever the bytes are, parsing and reading never throws, and neither does the dissector.</summary>
public class AnyBytesTests
{
    private const int Rounds = 20_000;

    [Fact]
    public void Random_bytes_never_throw()
    {
        var random = new Random(1);
        for (int round = 0; round < Rounds; round++)
            Check(Samples.RandomBytes(random, 128));
    }

    [Fact]
    public void Every_sample_cut_at_every_length_never_throws()
    {
        foreach ((_, byte[] frame) in Samples.All())
        {
            for (int length = 0; length <= Math.Min(frame.Length, 200); length++)
                Check(frame[..length]);
        }
    }

    [Fact]
    public void Every_sample_with_some_bytes_changed_never_throws()
    {
        var random = new Random(2);
        byte[][] frames = [.. Samples.All().Select(s => s.Frame).Where(f => f.Length < 300)];
        for (int round = 0; round < Rounds; round++)
        {
            byte[] frame = [.. frames[round % frames.Length]];
            for (int change = random.Next(1, 6); change > 0; change--)
                frame[random.Next(frame.Length)] = (byte)random.Next(256);
            Check(frame);
        }
    }

    private static void Check(byte[] bytes)
    {
        // Every layer may begin at any of these offsets of a frame: no tag, one tag, two; then a plain IPv4 or IPv6 header.
        foreach (int offset in (ReadOnlySpan<int>)[0, 14, 18, 22, 34, 54])
        {
            if (offset <= bytes.Length)
                ViewReader.ReadAll(bytes.AsSpan(offset));
        }
        string line = FrameDissector.Describe(bytes);
        Assert.NotEmpty(line);
        Assert.DoesNotContain('\n', line);
    }
}
