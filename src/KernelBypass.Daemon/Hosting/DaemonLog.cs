namespace KernelBypass.Daemon.Hosting;

/// <summary>Every message of the log, with its number, level and fields.</summary>
internal static partial class DaemonLog
{
    [LoggerMessage(1, LogLevel.Information, "kernelbypassd {Release} serves {Socket}")]
    internal static partial void Serving(this ILogger log, string release, string socket);

    [LoggerMessage(2, LogLevel.Information, "stopping: {Reason}")]
    internal static partial void Stopping(this ILogger log, string reason);

    [LoggerMessage(3, LogLevel.Information, "data plane {Pid} attached: DPDK {Dpdk}, {Workers} worker lcores, adopted {Adopted}")]
    internal static partial void Attached(this ILogger log, int pid, string dpdk, int workers, bool adopted);

    [LoggerMessage(4, LogLevel.Warning, "data plane lost: {Reason}")]
    internal static partial void DataPlaneLost(this ILogger log, string reason);

    [LoggerMessage(5, LogLevel.Information, "data plane is back after {OutageMs} ms: {Flows} flows, {Ports} ports")]
    internal static partial void DataPlaneBack(this ILogger log, long outageMs, int flows, int ports);

    [LoggerMessage(6, LogLevel.Information, "starting {Path}; its log is {LogFile}")]
    internal static partial void StartingDataPlane(this ILogger log, string path, string logFile);

    [LoggerMessage(7, LogLevel.Error, "the data plane could not be started: {Reason}; next try in {DelayMs} ms")]
    internal static partial void StartFailed(this ILogger log, string reason, int delayMs);

    [LoggerMessage(8, LogLevel.Warning, "the running data plane was started with another configuration: restart it to take over changes of {Keys}")]
    internal static partial void ConfigDiffers(this ILogger log, string keys);

    [LoggerMessage(9, LogLevel.Information,
        "flows reconciled: {Kept} kept, {Installed} installed, {Deleted} deleted, {Expired} expired meanwhile, {Refused} refused")]
    internal static partial void Reconciled(this ILogger log, int kept, int installed, int deleted, int expired, int refused);

    [LoggerMessage(10, LogLevel.Error, "flow '{Flow}' was refused by the data plane: {Reason}")]
    internal static partial void FlowRefused(this ILogger log, string flow, string reason);

    [LoggerMessage(11, LogLevel.Error, "port '{Port}' could not be {Action}: {Reason}")]
    internal static partial void PortFailed(this ILogger log, string port, string action, string reason);

    [LoggerMessage(12, LogLevel.Information, "port '{Port}' {Action}")]
    internal static partial void PortDone(this ILogger log, string port, string action);

    [LoggerMessage(13, LogLevel.Error, "placement refused: {Reason}")]
    internal static partial void PlacementFailed(this ILogger log, string reason);

    [LoggerMessage(14, LogLevel.Error, "flow journal: {Reason}")]
    internal static partial void JournalFailed(this ILogger log, string reason);

    [LoggerMessage(15, LogLevel.Warning, "flow journal {Path}: {Bytes} bytes at its end were torn or damaged and are dropped; {Flows} flows were read")]
    internal static partial void JournalTorn(this ILogger log, string path, long bytes, int flows);

    [LoggerMessage(16, LogLevel.Information, "flow journal {Path}: {Flows} flows")]
    internal static partial void JournalRead(this ILogger log, string path, int flows);

    [LoggerMessage(17, LogLevel.Information, "configuration reloaded: {Changes}")]
    internal static partial void Reloaded(this ILogger log, string changes);

    [LoggerMessage(18, LogLevel.Error, "configuration not reloaded, nothing was changed: {Error}")]
    internal static partial void ReloadRefused(this ILogger log, string error);

    [LoggerMessage(19, LogLevel.Warning, "changed, but in force only after a restart of {Process}: {Keys}")]
    internal static partial void NeedsRestart(this ILogger log, string process, string keys);

    [LoggerMessage(20, LogLevel.Information, "data plane: {Text}")]
    internal static partial void DataPlaneInformation(this ILogger log, string text);

    [LoggerMessage(21, LogLevel.Warning, "data plane: {Text}")]
    internal static partial void DataPlaneWarning(this ILogger log, string text);

    [LoggerMessage(22, LogLevel.Error, "data plane: {Text}")]
    internal static partial void DataPlaneError(this ILogger log, string text);

    [LoggerMessage(23, LogLevel.Debug, "channel closed: {Reason}")]
    internal static partial void ChannelClosed(this ILogger log, string reason);

    [LoggerMessage(24, LogLevel.Warning, "{Events} flow removals could not be told: reconciling")]
    internal static partial void RemovalsMissed(this ILogger log, ulong events);

    [LoggerMessage(25, LogLevel.Error, "{What} failed: {Reason}")]
    internal static partial void Failed(this ILogger log, string what, string reason);

    [LoggerMessage(26, LogLevel.Information, "data plane {Pid} stopped")]
    internal static partial void DataPlaneStopped(this ILogger log, int pid);

    [LoggerMessage(27, LogLevel.Warning, "data plane {Pid} did not stop in {TimeoutMs} ms: killed")]
    internal static partial void DataPlaneKilled(this ILogger log, int pid, int timeoutMs);
}
