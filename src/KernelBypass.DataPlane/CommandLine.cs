namespace KernelBypass.DataPlane;

/// <summary>What the process was asked to do.</summary>
internal enum CommandVerb
{
    Run,
    Check,
    Describe,
    Version,
    Help,
}

/// <summary>The command line, parsed.</summary>
/// <param name="Verb">What to do.</param>
/// <param name="ConfigPath">--config.</param>
/// <param name="LogPath">--log-file, or null.</param>
/// <param name="Error">What is wrong with the command line, or null.</param>
internal sealed record CommandLine(CommandVerb Verb, string? ConfigPath, string? LogPath, string? Error)
{
    internal const string Help = """
        kernelbypass-dataplane: moves packets. Started by kernelbypassd; by hand only to look into something.

        kernelbypass-dataplane --config FILE [--log-file FILE]   run
        kernelbypass-dataplane --config FILE --check             check the configuration and end
        kernelbypass-dataplane --describe                        stages, drop reasons and metrics as JSON
        kernelbypass-dataplane --version

        It detaches from the session of its parent, so that it outlives it. SIGTERM and SIGINT drain and end it; SIGHUP is
        ignored: what can be changed is changed by kernelbypassd.

        Exit codes: 0 ended in order; 1 failed while running; 2 bad command line or configuration; 3 could not start
        (devices, memory,
        another data plane in the run directory).
        """;

    internal static CommandLine Parse(string[] arguments)
    {
        var verb = CommandVerb.Run;
        string? config = null, log = null;
        for (var i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case "--config" when i + 1 < arguments.Length:
                    config = arguments[++i];
                    break;
                case "--log-file" when i + 1 < arguments.Length:
                    log = arguments[++i];
                    break;
                case "--check":
                    verb = CommandVerb.Check;
                    break;
                case "--describe":
                    verb = CommandVerb.Describe;
                    break;
                case "--version":
                    verb = CommandVerb.Version;
                    break;
                case "--help" or "-h":
                    verb = CommandVerb.Help;
                    break;
                default:
                    return new(verb, null, null, $"'{arguments[i]}' is unknown or lacks its value: see --help");
            }
        }

        var needed = verb is CommandVerb.Run or CommandVerb.Check;
        return new(verb, config, log, needed && config is null ? "--config FILE is needed: see --help" : null);
    }
}
