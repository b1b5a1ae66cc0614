using Microsoft.Extensions.Logging;

namespace KernelBypass.DataPlane.Hosting;

/// <summary>Every log message of the data plane.</summary>
internal static partial class DataPlaneLog
{
    [LoggerMessage(
        1, LogLevel.Information, "kernelbypass-dataplane {Version} starts (pid {Pid}, {Dpdk}), run directory {RunDir}")]
    internal static partial void Starting(this ILogger log, string version, int pid, string dpdk, string runDir);

    [LoggerMessage(
        2, LogLevel.Information, "forwarding: main lcore {Main}, worker lcores {Workers}, ready after {Milliseconds} ms")]
    internal static partial void Forwarding(this ILogger log, uint main, string workers, long milliseconds);

    [LoggerMessage(3, LogLevel.Information, "a control plane (pid {Pid}) is attached")]
    internal static partial void DaemonAttached(this ILogger log, int pid);

    [LoggerMessage(4, LogLevel.Warning, "the control plane is gone ({Reason}): forwarding goes on with the flows as they are")]
    internal static partial void DaemonDetached(this ILogger log, string reason);

    [LoggerMessage(5, LogLevel.Information, "kernelbypassd {Version} (pid {Pid}) says hello")]
    internal static partial void DaemonSaidHello(this ILogger log, string version, int pid);

    [LoggerMessage(6, LogLevel.Information, "shutdown asked for, drain within {DrainMs} ms")]
    internal static partial void ShutdownAsked(this ILogger log, int drainMs);

    [LoggerMessage(7, LogLevel.Information, "stopping: what has been received is sent first")]
    internal static partial void Stopping(this ILogger log);

    [LoggerMessage(8, LogLevel.Information, "stopped after {Milliseconds} ms")]
    internal static partial void Stopped(this ILogger log, long milliseconds);

    [LoggerMessage(9, LogLevel.Critical, "{Message}")]
    internal static partial void CannotStart(this ILogger log, string message);

    [LoggerMessage(10, LogLevel.Critical, "the main loop failed: {Message}")]
    internal static partial void MainLoopFailed(this ILogger log, string message, Exception failure);

    [LoggerMessage(11, LogLevel.Information,
        "warmed up in {Milliseconds} ms on {Packets} synthetic packets: {First:F0} ns a packet at first, {Last:F0} ns at last")]
    internal static partial void WarmedUp(this ILogger log, long milliseconds, long packets, double first, double last);
}
