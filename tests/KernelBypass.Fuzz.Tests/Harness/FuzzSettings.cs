using System.Globalization;

namespace KernelBypass.Fuzz.Tests.Harness;

/// <summary>
/// How long and from which seed. Without the environment: a fixed number of rounds from a fixed seed, the same every time.
/// KERNELBYPASS_FUZZ_SECONDS=N fuzzes every target for N seconds, from a new seed unless KERNELBYPASS_FUZZ_SEED gives one.
/// </summary>
/// <param name="Seed">Where the numbers begin.</param>
/// <param name="Duration">How long each target is fuzzed; null: by rounds.</param>
internal sealed record FuzzSettings(ulong Seed, TimeSpan? Duration)
{
    private const ulong FixedSeed = 0x4B65_726E_656C;

    internal static FuzzSettings FromEnvironment()
    {
        double? seconds = Read("KERNELBYPASS_FUZZ_SECONDS", text => double.Parse(text, CultureInfo.InvariantCulture));
        ulong? seed = Read("KERNELBYPASS_FUZZ_SEED", text => ulong.Parse(text, CultureInfo.InvariantCulture));
        ulong fallback = seconds is null ? FixedSeed : (ulong)Environment.TickCount64;
        return new FuzzSettings(seed ?? fallback, seconds is double s ? TimeSpan.FromSeconds(s) : null);
    }

    private static T? Read<T>(string name, Func<string, T> parse)
        where T : struct
    {
        string? text = Environment.GetEnvironmentVariable(name);
        if (string.IsNullOrEmpty(text))
            return null;
        try
        {
            return parse(text);
        }
        catch (FormatException)
        {
            throw new FormatException($"{name}={text}: expected a number");
        }
    }
}
