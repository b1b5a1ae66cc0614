using KernelBypass.Fuzz.Tests.Harness;
using KernelBypass.Fuzz.Tests.Targets;
using Xunit.Abstractions;

namespace KernelBypass.Fuzz.Tests;

/// <summary>Every parser that reads bytes from outside, fuzzed: see <see cref="FuzzSettings"/> for longer runs.</summary>
public class FuzzTests(ITestOutputHelper output)
{
    private static readonly FuzzTarget[] s_targets =
    [
        WireTargets.Views, WireTargets.Dissector, WireTargets.Mutable, WireTargets.Sums, WireTargets.Pcap, WireTargets.Addresses,
        ModelTargets.Codec, ModelTargets.FlowText, PipelineTargets.Parser, ActionTargets.Rewriting,
        ChannelTargets.Messages, ChannelTargets.Ring, ChannelTargets.Queries, GrpcTargets.Framing, GrpcTargets.Headers,
        SharedFileTargets.Files, DaemonTargets.Journal, DaemonTargets.Configuration,
    ];

    public static TheoryData<string> Targets => new(s_targets.Select(t => t.Name));

    [Theory]
    [MemberData(nameof(Targets))]
    public void Any_input_is_read_or_refused(string target)
    {
        FuzzTarget chosen = s_targets.Single(t => t.Name == target);
        Assert.NotEmpty(chosen.Seeds);
        var settings = FuzzSettings.FromEnvironment();
        output.WriteLine($"seed {settings.Seed}");
        FuzzResult result = new Fuzzer(settings, Fuzzer.DefaultWorkDirectory).Run(chosen);
        output.WriteLine(result.ToString());

        // A target that always answers the same is not reached by its inputs.
        Assert.True(result.Rounds > 0 && result.Paths > 1, $"{result}");
    }

    [Fact]
    public void Every_folder_of_the_corpus_belongs_to_a_target()
    {
        if (!Directory.Exists(Fuzzer.CommittedCorpus))
            return;
        IEnumerable<string?> folders = Directory.GetDirectories(Fuzzer.CommittedCorpus).Select(Path.GetFileName);
        Assert.Empty(folders.Except(s_targets.Select(t => t.Name)));
    }
}
