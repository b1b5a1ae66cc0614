using System.Reflection;
using KernelBypass.Daemon;
using KernelBypass.Daemon.Configuration;
using KernelBypass.Daemon.Hosting;

return await DaemonProgram.RunAsync(args, Console.Out, Console.Error);

namespace KernelBypass.Daemon
{
    /// <summary>The entry point, with its streams as arguments so that tests can run it.</summary>
    internal static class DaemonProgram
    {
        /// <summary>The release.</summary>
        internal static string Release { get; } =
            typeof(DaemonProgram).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

        internal static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors)
        {
            if (CommandLine.Parse(args, out var error) is not { } command)
            {
                await errors.WriteLineAsync($"kernelbypassd: {error}; --help lists the options").ConfigureAwait(false);
                return 2;
            }

            switch (command.Verb)
            {
                case CommandVerb.Help:
                    await output.WriteAsync(CommandLine.HelpText).ConfigureAwait(false);
                    return 0;
                case CommandVerb.Version:
                    await output.WriteLineAsync($"kernelbypassd {Release}").ConfigureAwait(false);
                    return 0;
                case CommandVerb.Schema:
                    await output.WriteAsync(ConfigJsonSchema.Render()).ConfigureAwait(false);
                    return 0;
                case CommandVerb.Reference:
                    await output.WriteAsync(ConfigReference.Render()).ConfigureAwait(false);
                    return 0;
            }

            DaemonConfig config;
            try
            {
                // Only --check asks the data-plane program: a running one refuses what it does not know itself.
                Func<string, DataPlaneDescription>? describe =
                    command is { Verb: CommandVerb.Check, Offline: false } ? DataPlaneDescription.Ask : null;
                config = ConfigLoader.Load(command.ConfigPath, command.Offline ? null : new HostInventory(), describe);
            }
            catch (ConfigException e)
            {
                foreach (var fault in e.Errors) await errors.WriteLineAsync(fault.ToString()).ConfigureAwait(false);
                return 1;
            }

            switch (command.Verb)
            {
                case CommandVerb.Check:
                    await output.WriteLineAsync($"{command.ConfigPath}: ok").ConfigureAwait(false);
                    return 0;
                case CommandVerb.RenderDataPlane:
                    await output.WriteAsync(DataPlaneDocument.Render(config)).ConfigureAwait(false);
                    return 0;
                default:
                    return await DaemonHost.RunAsync(command.ConfigPath, config, errors).ConfigureAwait(false);
            }
        }
    }
}
