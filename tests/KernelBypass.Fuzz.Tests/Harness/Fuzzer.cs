using System.Diagnostics;

namespace KernelBypass.Fuzz.Tests.Harness;

/// <summary>
/// Fuzzes a target. A failure says the seed, and leaves the shortened input in a file; put that under Corpus/TARGET/ in the
/// source tree, and it is run first from then on. An input that kills the process stays in the file "running", which the next
/// run takes up and names.
/// </summary>
internal sealed class Fuzzer(FuzzSettings settings, string workDirectory)
{
    private const int MaxPool = 1024;
    private const int MaxShorteningRuns = 2000;

    /// <summary>Folder of what runs leave: seeds, failures, the input that is running.</summary>
    internal static string DefaultWorkDirectory => Path.Combine(AppContext.BaseDirectory, "fuzz");

    /// <summary>Inputs that once failed, committed with the tests.</summary>
    internal static string CommittedCorpus => Path.Combine(AppContext.BaseDirectory, "Corpus");

    /// <summary>Runs the target; throws <see cref="FuzzFailureException"/> at the first failure.</summary>
    internal FuzzResult Run(FuzzTarget target)
    {
        string directory = Directory.CreateDirectory(Path.Combine(workDirectory, target.Name)).FullName;
        using var buffer = new GuardedBuffer(target.MaxLength);
        using var running = new RunningInput(Path.Combine(directory, "running"), target.MaxLength);
        var pool = new List<byte[]>(InitialPool(target, directory, running));
        var paths = new HashSet<ulong>();
        foreach (byte[] input in pool)
            paths.Add(Once(target, buffer, running, directory, input, round: -1));
        long rounds = 0;
        for (var clock = Stopwatch.StartNew(); !IsOver(target, rounds, clock); rounds++)
        {
            var random = new FuzzRandom(settings.Seed ^ ((ulong)(rounds + 1) * 0xD134_2543_DE82_EF95));
            byte[] input = new Mutator(random, target.Dictionary, target.MaxLength).Mutate(random.Pick(pool), pool);
            if (!paths.Add(Once(target, buffer, running, directory, input, rounds)))
                continue;
            if (pool.Count < MaxPool)
                pool.Add(input);
            else
                pool[random.Below(MaxPool)] = input;
        }
        running.Complete();
        return new FuzzResult(rounds, pool.Count, paths.Count);
    }

    private bool IsOver(FuzzTarget target, long rounds, Stopwatch clock) =>
        settings.Duration is TimeSpan duration ? clock.Elapsed >= duration : rounds >= target.Rounds;

    private static IEnumerable<byte[]> InitialPool(FuzzTarget target, string directory, RunningInput running)
    {
        if (running.Left is byte[] fatal)
        {
            string hex = Convert.ToHexString(fatal);
            Console.Error.WriteLine($"fuzz {target.Name}: an input of an earlier run killed its process: {hex}");
            yield return fatal;
        }
        string committed = Path.Combine(CommittedCorpus, target.Name);
        if (Directory.Exists(committed))
        {
            foreach (string file in Directory.EnumerateFiles(committed, "*.bin").Order(StringComparer.Ordinal))
                yield return File.ReadAllBytes(file);
        }
        for (int i = 0; i < target.Seeds.Count; i++)
        {
            byte[] seed = target.Seeds[i].Length <= target.MaxLength ? target.Seeds[i] : target.Seeds[i][..target.MaxLength];
            File.WriteAllBytes(Path.Combine(directory, $"seed-{i:d4}.bin"), seed);
            yield return seed;
        }
    }

    private ulong Once(
        FuzzTarget target, GuardedBuffer buffer, RunningInput running, string directory, byte[] input, long round)
    {
        running.Set(input);
        try
        {
            ulong path = target.Body(buffer.PlaceAtEnd(input));
            if (round % 8 == 0)
                target.Body(buffer.PlaceAtStart(input));
            return path;
        }
        catch (Exception error)
        {
            byte[] shortest = Shorten(target, buffer, input, error.GetType());
            string file = Path.Combine(directory, $"failure-{FuzzPath.OfShape(error.GetType().Name + error.StackTrace):x16}.bin");
            File.WriteAllBytes(file, shortest);
            running.Complete();
            throw new FuzzFailureException(
                $"{target.Name}: {error.GetType().Name}: {error.Message} (round {round}; repeat with "
                + $"KERNELBYPASS_FUZZ_SEED={settings.Seed}); {shortest.Length} bytes in {file}: {Convert.ToHexString(shortest)}",
                error);
        }
    }

    // Leaves out ever smaller pieces as long as the same type of exception comes.
    private static byte[] Shorten(FuzzTarget target, GuardedBuffer buffer, byte[] input, Type type)
    {
        int runs = 0;
        for (int piece = input.Length / 2; piece > 0; piece /= 2)
        {
            for (int at = 0; at + piece <= input.Length && runs < MaxShorteningRuns; runs++)
            {
                byte[] candidate = [.. input[..at], .. input[(at + piece)..]];
                if (Fails(target, buffer, candidate, type))
                    input = candidate;
                else
                    at += piece;
            }
        }
        return input;
    }

    private static bool Fails(FuzzTarget target, GuardedBuffer buffer, byte[] input, Type type)
    {
        try
        {
            target.Body(buffer.PlaceAtEnd(input));
            return false;
        }
        catch (Exception error)
        {
            return error.GetType() == type;
        }
    }
}

/// <summary>What a run without a failure did.</summary>
/// <param name="Rounds">Mutated inputs.</param>
/// <param name="Pool">Inputs that are mutated at the end: seeds, and those that took a new way.</param>
/// <param name="Paths">Different ways seen.</param>
internal sealed record FuzzResult(long Rounds, int Pool, int Paths);

/// <summary>A target failed; the message says the seed and the input.</summary>
internal sealed class FuzzFailureException(string message, Exception error) : Exception(message, error);
