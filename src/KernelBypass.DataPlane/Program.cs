using System.Runtime.InteropServices;
using KernelBypass.DataPlane;
using KernelBypass.DataPlane.Configuration;
using KernelBypass.DataPlane.Hosting;
using KernelBypass.DataPlane.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

var command = CommandLine.Parse(args);
if (command.Error is not null) return Fail(command.Error);
switch (command.Verb)
{
    case CommandVerb.Help:
        Console.WriteLine(CommandLine.Help);
        return ExitStatus.Ok;
    case CommandVerb.Version:
        Console.WriteLine($"kernelbypass-dataplane {Release.Version} ({Release.DpdkVersion})");
        return ExitStatus.Ok;
    case CommandVerb.Describe:
        Console.WriteLine(Describe.Text());
        return ExitStatus.Ok;
}

LoadedConfig loaded;
try
{
    var (config, digest) = ConfigFile.Load(command.ConfigPath!);
    loaded = new(config, digest);
}
catch (ConfigException e)
{
    return Fail(e.Message);
}

if (command.Verb == CommandVerb.Check)
{
    Console.WriteLine($"{command.ConfigPath}: ok");
    return ExitStatus.Ok;
}

if (command.LogPath is not null && ProcessNative.RedirectOutput(command.LogPath) is { } refused) return Fail(refused);
ProcessNative.LeaveSession();
using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
builder.Logging.SetMinimumLevel(ConfigFile.LevelOf(loaded.Config.Logging.Level));
builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
if (loaded.Config.Logging.Format == "json") builder.Logging.AddJsonConsole();
else builder.Logging.AddSimpleConsole(options =>
    (options.SingleLine, options.TimestampFormat, options.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true));
builder.Services.AddSingleton(loaded);
var exit = new ExitStatus();
builder.Services.AddSingleton(exit);
builder.Services.AddHostedService<DataPlaneService>();
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(30));
using var host = builder.Build();
await host.RunAsync().ConfigureAwait(false);
return exit.Code;

static int Fail(string message)
{
    Console.Error.WriteLine($"kernelbypass-dataplane: {message}");
    return ExitStatus.BadConfiguration;
}
