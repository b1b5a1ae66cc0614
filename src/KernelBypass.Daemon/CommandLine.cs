using KernelBypass.Daemon.Configuration;

namespace KernelBypass.Daemon;

/// <summary>What a command line asks for.</summary>
internal enum CommandVerb
{
    Run,
    Check,
    RenderDataPlane,
    Schema,
    Reference,
    Help,
    Version,
}

/// <summary>kernelbypassd's command line.</summary>
/// <param name="Verb">What to do.</param>
/// <param name="ConfigPath">The configuration file.</param>
/// <param name="Offline">Check the file alone, not against this host.</param>
internal sealed record CommandLine(CommandVerb Verb, string ConfigPath, bool Offline)
{
    internal const string DefaultConfigPath = "/etc/kernelbypass/kernelbypass.yaml";

    internal const string HelpText =
        """
        kernelbypassd - control plane of the KernelBypass switch

        Usage: kernelbypassd [--config FILE] [--check [--offline] | --render-dataplane | --schema | --reference]

          --config FILE        configuration (default /etc/kernelbypass/kernelbypass.yaml)
          --check              check the configuration, list every error, and exit with 0 or 1
          --offline            with --check or --render-dataplane: leave this host's devices, CPUs and files unchecked, and
                               do not ask the data-plane program for its kinds of stage
          --render-dataplane   print the JSON document that the data-plane process is started with
          --schema             print the JSON schema of the configuration, for editors
          --reference          print the reference of every configuration key, as Markdown
          --version            print the release
          --help               print this

        Signals: SIGTERM and SIGINT stop it (and, with dataplane.supervise: child, the data plane);
        SIGHUP reloads the configuration; kill -9 leaves the data plane forwarding, and the next kernelbypassd adopts it.

        Exit codes: 0 done; 1 the configuration is wrong; 2 wrong command line; 3 cannot run (the message says why).

        """;

    private static readonly string[] s_options =
        ["--config", "--check", "--offline", "--render-dataplane", "--schema", "--reference", "--version", "--help"];

    /// <summary>Parses; null with an error when it cannot be understood.</summary>
    internal static CommandLine? Parse(string[] args, out string error)
    {
        var verb = CommandVerb.Run;
        var config = DefaultConfigPath;
        var offline = false;
        error = "";
        for (var i = 0; i < args.Length; i++)
        {
            var (name, value) = args[i].IndexOf('=', StringComparison.Ordinal) is > 0 and var at
                ? (args[i][..at], args[i][(at + 1)..])
                : (args[i], null);
            switch (name)
            {
                case "--config" or "-c":
                    value ??= ++i < args.Length ? args[i] : null;
                    if (value is null)
                    {
                        error = "--config needs a file";
                        return null;
                    }

                    config = value;
                    continue;
                case "--offline":
                    offline = true;
                    continue;
            }

            CommandVerb? asked = args[i] switch
            {
                "--check" => CommandVerb.Check,
                "--render-dataplane" => CommandVerb.RenderDataPlane,
                "--schema" => CommandVerb.Schema,
                "--reference" => CommandVerb.Reference,
                "--help" or "-h" => CommandVerb.Help,
                "--version" => CommandVerb.Version,
                _ => null,
            };
            if (asked is null)
            {
                var nearest = NearestName.Find(name, s_options);
                error = $"unknown option '{args[i]}'{(nearest is null ? "" : $": did you mean {nearest}?")}";
                return null;
            }

            if (verb != CommandVerb.Run && asked != verb)
            {
                error = $"{args[i]} cannot be combined with what stands before it";
                return null;
            }

            verb = asked.Value;
        }

        if (offline && verb is not (CommandVerb.Check or CommandVerb.RenderDataPlane))
        {
            error = "--offline goes with --check or --render-dataplane";
            return null;
        }

        return new(verb, config, offline);
    }
}
