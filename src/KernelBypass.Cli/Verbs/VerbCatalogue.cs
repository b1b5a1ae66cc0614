namespace KernelBypass.Cli.Verbs;

/// <summary>Every verb, one line each, in the order of the help.</summary>
internal static class VerbCatalogue
{
    internal static IReadOnlyList<IVerb> All { get; } =
    [
        new StatusVerb(),
        new PortVerb(),
        new FlowVerb(),
        new TableVerb(),
        new StageVerb(),
        new LcoreVerb(),
        new StatsVerb(),
        new DropsVerb(),
        new MacVerb(),
        new TopVerb(),
        new ExplainVerb(),
        new TraceVerb(),
        new CaptureVerb(),
        new PacketVerb(),
        new CompletionVerb(),
    ];
}
