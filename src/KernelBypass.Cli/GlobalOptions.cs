using System.CommandLine;

namespace KernelBypass.Cli;

/// <summary>Options that every verb takes.</summary>
internal static class GlobalOptions
{
    /// <summary>Where kernelbypassd listens.</summary>
    internal static readonly Option<string> Address = new("--address", "-a")
    {
        Description = "unix:///PATH or http://HOST:PORT of kernelbypassd; also KBCTL_ADDRESS",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("KBCTL_ADDRESS") ?? "unix:///run/kernelbypass/api.sock",
        Recursive = true,
        HelpName = "ADDRESS",
    };

    /// <summary>Machine-readable output.</summary>
    internal static readonly Option<bool> Json = new("--json", "-j")
    {
        Description = "print JSON: one object, or one a line for streams",
        Recursive = true,
    };

    /// <summary>How long one answer may take.</summary>
    internal static readonly Option<double> TimeoutSeconds = new("--timeout")
    {
        Description = "seconds to wait for an answer (streams: for the first connection)",
        DefaultValueFactory = _ => 10,
        Recursive = true,
        HelpName = "SECONDS",
    };

    internal static IReadOnlyList<Option> All => [Address, Json, TimeoutSeconds];
}
