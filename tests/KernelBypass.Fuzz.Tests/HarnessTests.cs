using KernelBypass.Fuzz.Tests.Harness;
using KernelBypass.Fuzz.Tests.Targets;

namespace KernelBypass.Fuzz.Tests;

/// <summary>The harness finds what it is for: a fuzzer that finds nothing must have been able to.</summary>
public sealed class HarnessTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kernelbypass-fuzz-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_same_seed_makes_the_same_inputs()
    {
        Assert.Equal(Inputs(1), Inputs(1));
        Assert.NotEqual(Inputs(1), Inputs(2));
    }

    [Fact]
    public void Inputs_keep_their_greatest_length() => Assert.All(Inputs(3), hex => Assert.True(hex.Length <= 2 * 64));

    [Fact]
    public void A_bug_behind_a_token_is_found_shortened_and_told_with_its_seed()
    {
        FuzzBody body = input =>
        {
            int at = input.IndexOf("key="u8);
            WireTargets.Require(at < 0 || input.Length <= at + 4 || input[at + 4] != 0xFF, "planted");
            return (ulong)(at + 1);
        };
        var target = new FuzzTarget("planted", [new byte[100]], ["key="u8.ToArray()], 200_000, body);
        FuzzFailureException failure = Assert.Throws<FuzzFailureException>(() => Fuzzer(42).Run(target));
        Assert.Contains("KERNELBYPASS_FUZZ_SEED=42", failure.Message, StringComparison.Ordinal);
        byte[] input = File.ReadAllBytes(Directory.GetFiles(Path.Combine(_directory, "planted"), "failure-*.bin").Single());
        Assert.Equal([.. "key="u8, 0xFF], input);
    }

    [Fact]
    public void A_length_field_that_is_believed_is_found()
    {
        FuzzBody body = input => input.Length < 2 ? 0 : (ulong)input.Slice(2, (input[0] << 8) | input[1]).Length;
        var target = new FuzzTarget("believes", [[0, 3, 1, 2, 3]], [], 10_000, body);
        FuzzFailureException failure = Assert.Throws<FuzzFailureException>(() => Fuzzer(1).Run(target));
        Assert.IsType<ArgumentOutOfRangeException>(failure.InnerException);
    }

    [Fact]
    public void Every_seed_is_run_and_the_rounds_are_kept()
    {
        var seen = new HashSet<string>();
        var target = new FuzzTarget("rounds", [[1], [2]], [], 100, input =>
        {
            seen.Add(Convert.ToHexString(input));
            return 0;
        });
        Assert.Equal(new FuzzResult(100, 2, 1), Fuzzer(1).Run(target));
        Assert.Contains("01", seen);
        Assert.Contains("02", seen);
        Assert.False(File.Exists(Path.Combine(_directory, "rounds", "running")));
    }

    [Fact]
    public void The_input_that_killed_a_run_is_the_first_of_the_next()
    {
        string path = Path.Combine(Directory.CreateDirectory(Path.Combine(_directory, "killed")).FullName, "running");
        using (var running = new RunningInput(path, 64))
            running.Set([7, 7, 7]); // and the process dies here
        var order = new List<string>();
        var target = new FuzzTarget("killed", [[1]], [], 0, input =>
        {
            order.Add(Convert.ToHexString(input));
            return 0;
        }, MaxLength: 64);
        Fuzzer(1).Run(target);
        Assert.Equal(["070707", "01"], order);
    }

    [Fact]
    public void A_duration_bounds_a_run_by_time()
    {
        var target = new FuzzTarget("timed", [[1]], [], int.MaxValue, _ => 0);
        Assert.True(new Fuzzer(new FuzzSettings(1, TimeSpan.FromMilliseconds(50)), _directory).Run(target).Rounds > 0);
    }

    private static string[] Inputs(ulong seed)
    {
        var mutator = new Mutator(new FuzzRandom(seed), ["token"u8.ToArray()], 64);
        byte[][] pool = [new byte[20], [1, 2, 3, 4]];
        return [.. Enumerable.Range(0, 200).Select(i => Convert.ToHexString(mutator.Mutate(pool[i % 2], pool)))];
    }

    private Fuzzer Fuzzer(ulong seed) => new(new FuzzSettings(seed, Duration: null), _directory);
}
