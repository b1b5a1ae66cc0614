namespace KernelBypass.Fuzz.Tests.Harness;

/// <summary>
/// Runs the code under test on an input, throws when a property does not hold, and returns a number for the way that the input
/// took: inputs that show a new number are kept and mutated further, in place of a coverage measurement.
/// </summary>
internal delegate ulong FuzzBody(ReadOnlySpan<byte> input);

/// <summary>What is fuzzed.</summary>
/// <param name="Name">Its name; the folder of its corpus.</param>
/// <param name="Seeds">Well-formed inputs to start from.</param>
/// <param name="Dictionary">Tokens of the format.</param>
/// <param name="Rounds">Rounds when no duration is asked for.</param>
/// <param name="Body">The code under test.</param>
/// <param name="MaxLength">Greatest length of an input.</param>
internal sealed record FuzzTarget(
    string Name,
    IReadOnlyList<byte[]> Seeds,
    IReadOnlyList<byte[]> Dictionary,
    int Rounds,
    FuzzBody Body,
    int MaxLength = 2048);

/// <summary>Path numbers from what a run yielded.</summary>
internal static class FuzzPath
{
    /// <summary>FNV-1a over a text without its digits, so that values do not count as ways of their own.</summary>
    internal static ulong OfShape(ReadOnlySpan<char> text)
    {
        ulong hash = 0xCBF2_9CE4_8422_2325;
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c) && c is not (':' or '.'))
                hash = (hash ^ c) * 0x100_0000_01B3;
        }
        return hash;
    }
}
