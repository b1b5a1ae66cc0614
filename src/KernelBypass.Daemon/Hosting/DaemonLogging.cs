using KernelBypass.Daemon.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Console;

namespace KernelBypass.Daemon.Hosting;

/// <summary>The least level that is logged; may be changed while running.</summary>
internal sealed class LogSwitch(string level)
{
    private volatile int _level = (int)Parse(level);

    internal bool Wants(LogLevel other) => (int)other >= _level;

    internal void Set(string name) => _level = (int)Parse(name);

    private static LogLevel Parse(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.Information,
    };
}

/// <summary>Sets the log up: standard error, text or JSON.</summary>
internal static class DaemonLogging
{
    internal static void Configure(ILoggingBuilder logging, LoggingConfig config, LogSwitch level)
    {
        logging.ClearProviders();
        logging.SetMinimumLevel(LogLevel.Trace);
        // The frameworks' own information is noise to an operator: from them, warnings.
        logging.AddFilter((category, value) => level.Wants(value)
            && (value >= LogLevel.Warning || category is null || category.StartsWith("KernelBypass", StringComparison.Ordinal) || level.Wants(LogLevel.Debug)));
        logging.Services.Configure<ConsoleLoggerOptions>(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
        if (config.Json) logging.AddJsonConsole(options => options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ");
        else logging.AddSimpleConsole(Text);
    }

    private static void Text(SimpleConsoleFormatterOptions options)
    {
        options.SingleLine = true;
        options.TimestampFormat = "yyyy-MM-dd HH:mm:ss.fff ";
        options.UseUtcTimestamp = true;
        options.ColorBehavior = LoggerColorBehavior.Disabled;
    }
}
