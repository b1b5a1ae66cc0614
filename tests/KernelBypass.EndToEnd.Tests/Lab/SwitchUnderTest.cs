using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using KernelBypass.V1;

namespace KernelBypass.EndToEnd.Tests.Lab;

/// <summary>Both processes, as a user would run them: kernelbypassd with a YAML file in a folder of its own.</summary>
internal sealed class SwitchUnderTest : IDisposable
{
    private readonly string _config;
    private Process? _daemon;
    private GrpcChannel? _channel;

    /// <summary>Prepares a switch with these ports; <see cref="Start"/> starts it.</summary>
    /// <param name="ports">YAML lines of the ports section (name, number, device).</param>
    /// <param name="more">More YAML, at top level.</param>
    internal SwitchUnderTest(string ports, string more = "")
    {
        Folder = Directory.CreateTempSubdirectory("kbe2e-").FullName;
        _config = Path.Combine(Folder, "kernelbypass.yaml");
        WriteConfig(ports, more);
    }

    /// <summary>Where everything of this switch is.</summary>
    internal string Folder { get; }

    internal string Socket => Path.Combine(Folder, "run", "api.sock");

    internal string Log => Path.Combine(Folder, "kernelbypassd.log");

    internal int DaemonPid => _daemon?.Id ?? throw new InvalidOperationException("the daemon is not running");

    internal FlowService.FlowServiceClient Flows => new(Channel);

    internal PortService.PortServiceClient Ports => new(Channel);

    internal PipelineService.PipelineServiceClient Pipeline => new(Channel);

    internal PacketService.PacketServiceClient Packets => new(Channel);

    internal TraceService.TraceServiceClient Trace => new(Channel);

    internal GrpcChannel Channel => _channel ??= OpenChannel();

    /// <summary>Folder of the built programs.</summary>
    internal static string Programs { get; } = FindPrograms();

    /// <summary>Writes the YAML; for reload tests also while it runs.</summary>
    internal void WriteConfig(string ports, string more = "") => File.WriteAllText(_config, $"""
        dataplane:
          run_dir: {Folder}/run
        eal:
          lcores: "0-1"
          hugepages: false
          memory_mb: 256
          file_prefix: kbe2e{Environment.ProcessId}
        mempool:
          mbufs: 8192
        journal:
          path: {Folder}/journal
        ports:
        {ports}
        {more}
        """);

    /// <summary>Starts kernelbypassd and waits until the data plane runs.</summary>
    internal void Start(int timeoutSeconds = 60)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", $"exec {Programs}/kernelbypassd --config {_config} >>{Log} 2>&1"]);
        _daemon = Process.Start(start)!;
        WaitRunning(timeoutSeconds);
    }

    /// <summary>Waits until the data plane runs.</summary>
    internal void WaitRunning(int timeoutSeconds = 60)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < timeoutSeconds)
        {
            if (_daemon is { HasExited: true }) throw new InvalidOperationException($"kernelbypassd ended with {_daemon.ExitCode}:\n{LogTail()}");
            if (TryStatus() is { DataplaneState: "running" }) return;
            Thread.Sleep(50);
        }

        throw new TimeoutException($"the switch did not run within {timeoutSeconds} s:\n{LogTail()}");
    }

    /// <summary>The switch's status, or null when nobody answers.</summary>
    internal V1.Status? TryStatus()
    {
        try
        {
            return Pipeline.GetStatus(new GetStatusRequest(), deadline: DateTime.UtcNow.AddSeconds(2));
        }
        catch (RpcException)
        {
            return null;
        }
    }

    /// <summary>kill -9 of kernelbypassd.</summary>
    internal void KillDaemon()
    {
        Shell.Must($"kill -9 {DaemonPid}");
        _daemon!.WaitForExit();
        CloseChannel();
    }

    /// <summary>SIGTERM to kernelbypassd; returns its exit code.</summary>
    internal int Stop(int timeoutSeconds = 30)
    {
        CloseChannel();
        Shell.Must($"kill -TERM {DaemonPid}");
        if (!_daemon!.WaitForExit(TimeSpan.FromSeconds(timeoutSeconds))) throw new TimeoutException($"no end after SIGTERM:\n{LogTail()}");
        var code = _daemon.ExitCode;
        _daemon = null;
        return code;
    }

    /// <summary>Runs kbctl against this switch.</summary>
    internal Shell.Result Kbctl(params string[] arguments) =>
        Shell.Run($"{Programs}/kbctl", [.. arguments, "--address", $"unix://{Socket}"]);

    /// <summary>Runs kbctl, which must succeed.</summary>
    internal string KbctlMust(params string[] arguments)
    {
        var result = Kbctl(arguments);
        return result.Code == 0 ? result.Output
            : throw new InvalidOperationException($"kbctl {string.Join(' ', arguments)}: {result.Code}: {result.All}\n{LogTail()}");
    }

    /// <summary>Adds flows by kbctl.</summary>
    internal void AddFlows(params string[] flows)
    {
        foreach (var flow in flows) KbctlMust("flow", "add", flow);
    }

    /// <summary>Packets of the flow with this cookie.</summary>
    internal ulong PacketsOf(ulong cookie) => ReadFlows(cookie).Aggregate(0ul, (sum, entry) => sum + entry.Stats.Packets);

    /// <summary>Flows with this cookie, or all.</summary>
    internal List<FlowEntry> ReadFlows(ulong? cookie = null)
    {
        var filter = cookie is { } value ? new FlowFilter { Cookie = value, CookieMask = ulong.MaxValue } : new FlowFilter();
        using var call = Flows.Read(new ReadFlowsRequest { Filter = filter });
        var entries = new List<FlowEntry>();
        while (call.ResponseStream.MoveNext(CancellationToken.None).GetAwaiter().GetResult()) entries.AddRange(call.ResponseStream.Current.Flows);
        return entries;
    }

    /// <summary>Packets dropped for a reason.</summary>
    internal ulong Drops(string reason) => Pipeline.ListDrops(new ListDropsRequest()).Drops
        .Where(drop => drop.Reason == reason).Aggregate(0ul, (sum, drop) => sum + drop.Packets);

    /// <summary>Waits until a condition holds; false when it never did.</summary>
    internal static bool Eventually(Func<bool> condition, double seconds = 10)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds)
        {
            if (condition()) return true;
            Thread.Sleep(50);
        }

        return condition();
    }

    /// <summary>The end of the log, for messages.</summary>
    internal string LogTail() => File.Exists(Log) ? string.Join('\n', File.ReadLines(Log).TakeLast(40)) : "(no log)";

    public void Dispose()
    {
        CloseChannel();
        if (_daemon is { HasExited: false })
        {
            Shell.Run("kill", ["-TERM", _daemon.Id.ToString(CultureInfo.InvariantCulture)]);
            if (!_daemon.WaitForExit(TimeSpan.FromSeconds(15))) _daemon.Kill();
        }

        _daemon?.Dispose();
        Shell.Run("pkill", ["-9", "-f", $"kernelbypass-dataplane.*{Folder}"]);
        Directory.Delete(Folder, recursive: true);
    }

    private void CloseChannel()
    {
        _channel?.Dispose();
        _channel = null;
    }

    private GrpcChannel OpenChannel()
    {
        var endpoint = new UnixDomainSocketEndPoint(Socket);
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(endpoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions { HttpHandler = handler });
    }

    private static string FindPrograms()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "KernelBypass.sln"))) directory = directory.Parent;
        var programs = Path.Combine(directory?.FullName ?? "/", "artifacts", "publish");
        return File.Exists(Path.Combine(programs, "kernelbypassd")) ? programs
            : throw new InvalidOperationException($"{programs} has no kernelbypassd: run make build");
    }
}
