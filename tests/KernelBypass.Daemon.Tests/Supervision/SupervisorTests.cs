using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using KernelBypass.Daemon.Tests.Services;
using KernelBypass.V1;
using Status = KernelBypass.V1.Status;
using V1Action = KernelBypass.V1.Action;

namespace KernelBypass.Daemon.Tests.Supervision;

/// <summary>kernelbypassd as a process of its own, over a data plane without packets as another.</summary>
public sealed class SupervisorTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kbs-").FullName;
    private readonly StringBuilder _log = new();
    private Process? _daemon;

    private string ConfigPath => _directory + "/kernelbypass.yaml";

    private void WriteConfig(string yaml = "", string journal = "") => File.WriteAllText(
        ConfigPath,
        $"dataplane: {{path: {AppContext.BaseDirectory}KernelBypass.FakeDataPlane, run_dir: {_directory}/run, restart_backoff_max_ms: 500}}\n"
        + $"journal: {{path: {(journal.Length > 0 ? journal : _directory + "/journal")}}}\ntelemetry: {{prometheus: {{listen: ''}}}}\n" + yaml);

    private Process Start(params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(AppContext.BaseDirectory + "kernelbypassd", ["--config", ConfigPath])
        {
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_log) _log.AppendLine(line.Data);
        };
        process.BeginErrorReadLine();
        return process;
    }

    private string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    private GrpcChannel Connect() => DaemonFixture.Connect(_directory + "/run/api.sock");

    private async Task<Status> RunningAsync(GrpcChannel channel, Func<Status, bool>? condition = null)
    {
        var client = new PipelineService.PipelineServiceClient(channel);
        for (var i = 0; i < 600; i++)
        {
            try
            {
                var status = await client.GetStatusAsync(new GetStatusRequest());
                if (status.DataplaneState == "running" && condition?.Invoke(status) != false) return status;
            }
            catch (RpcException)
            {
                // Not up yet.
            }

            await Task.Delay(50);
        }

        throw new TimeoutException("the data plane does not run: " + Log);
    }

    private static async Task<int> CountAsync(GrpcChannel channel)
    {
        var count = 0;
        using var call = new FlowService.FlowServiceClient(channel).Read(new ReadFlowsRequest());
        while (await call.ResponseStream.MoveNext(default)) count += call.ResponseStream.Current.Flows.Count;
        return count;
    }

    private static async Task InsertAsync(GrpcChannel channel, int count, uint hardTimeout = 0)
    {
        var request = new WriteRequest();
        for (var i = 0; i < count; i++)
        {
            var flow = new Flow { Priority = (uint)i, TableId = hardTimeout > 0 ? 1u : 0u, HardTimeoutS = hardTimeout, Instructions = new() };
            flow.Instructions.ApplyActions.Add(new V1Action { Output = new() { Port = 1 } });
            request.Updates.Add(new FlowUpdate { Type = FlowUpdate.Types.Type.Insert, Flow = flow });
        }

        Assert.Equal((uint)count, (await new FlowService.FlowServiceClient(channel).WriteAsync(request)).Applied);
    }

    private static void Signal(int pid, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", pid.ToString(null, null)]);
        kill.WaitForExit();
    }

    private static async Task<int> StopAsync(Process daemon)
    {
        Signal(daemon.Id, "TERM");
        await daemon.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return daemon.ExitCode;
    }

    public Task InitializeAsync() => Task.CompletedTask;

    /// <summary>xunit 2 ends a test with this, not with IAsyncDisposable.</summary>
    public async Task DisposeAsync()
    {
        if (_daemon is { HasExited: false }) await StopAsync(_daemon);
        _daemon?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Both_processes_may_be_killed_and_flows_stay()
    {
        WriteConfig("ports: [{name: p1, device: net_null0}]\nflows: ['priority=0, actions=normal']\n");
        _daemon = Start();
        using (var channel = Connect())
        {
            var before = await RunningAsync(channel);
            await InsertAsync(channel, 100);
            Signal(_daemon.Id, "KILL");
            await _daemon.WaitForExitAsync();
            Assert.True(Directory.Exists($"/proc/{before.DataplanePid}"), "the data plane outlives kernelbypassd");
            _daemon.Dispose();
            _daemon = Start();
        }

        using var again = Connect();
        var adopted = await RunningAsync(again);
        Assert.Equal(100UL, adopted.Flows);
        Assert.Contains("100 kept, 0 installed, 0 deleted", Log, StringComparison.Ordinal);

        Signal((int)adopted.DataplanePid, "KILL");
        var restarted = await RunningAsync(again, status => status.DataplanePid != adopted.DataplanePid);
        Assert.Equal((1u, 100UL), (restarted.DataplaneRestarts, restarted.Flows));
        Assert.True(restarted.LastOutageMs > 0);
        Assert.Equal(100, await CountAsync(again));
        Assert.Single((await new PortService.PortServiceClient(again).ListAsync(new ListPortsRequest())).Ports);

        using (var second = Start())
        {
            await second.WaitForExitAsync();
            Assert.Equal(3, second.ExitCode);
        }

        Assert.Contains($"another kernelbypassd (pid {_daemon.Id})", Log, StringComparison.Ordinal);
        Assert.Equal(0, await StopAsync(_daemon));
        Assert.False(Directory.Exists($"/proc/{restarted.DataplanePid}"), "the data plane ends with SIGTERM of kernelbypassd");
    }

    [Fact]
    public async Task Flows_that_expired_while_nobody_looked_do_not_come_back()
    {
        WriteConfig();
        _daemon = Start();
        using var channel = Connect();
        await RunningAsync(channel);
        await InsertAsync(channel, 5);
        await InsertAsync(channel, 7, hardTimeout: 1);
        Signal(_daemon.Id, "KILL");
        await _daemon.WaitForExitAsync();
        await Task.Delay(1300);
        _daemon.Dispose();
        _daemon = Start();
        using var again = Connect();
        Assert.Equal(5UL, (await RunningAsync(again)).Flows);
        Assert.Contains("7 expired meanwhile", Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reload_takes_over_what_it_can_and_nothing_of_a_bad_file()
    {
        WriteConfig("ports: [{name: p1, device: net_null0}]\nflows: ['priority=1, actions=drop', 'priority=2, actions=drop']\n");
        _daemon = Start();
        using var channel = Connect();
        await RunningAsync(channel);
        WriteConfig("ports: [{name: p2, device: net_null1}]\nflwos: []\n");
        Signal(_daemon.Id, "HUP");
        await DaemonFixture.Eventually(() => Log.Contains("did you mean 'flows'", StringComparison.Ordinal), "the bad file is refused");
        var ports = new PortService.PortServiceClient(channel);
        Assert.Equal("p1", (await ports.ListAsync(new ListPortsRequest())).Ports.Single().Config.Name);

        WriteConfig("ports: [{name: p2, device: net_null1}]\nlimits: {masks: 77}\n"
            + "flows: ['priority=2, actions=drop', 'priority=3, actions=drop']\n");
        Signal(_daemon.Id, "HUP");
        await DaemonFixture.Eventually(() => Log.Contains("configuration reloaded: ports, flows", StringComparison.Ordinal), "the good file is taken over");
        Assert.Equal("p2", (await ports.ListAsync(new ListPortsRequest())).Ports.Single().Config.Name);
        Assert.Equal(2, await CountAsync(channel));
        Assert.Contains("only after a restart of the data plane and kernelbypassd: limits", Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_plane_that_ends_at_once_is_tried_again_with_back_off()
    {
        WriteConfig();
        _daemon = Start(("KB_FAKE_EXIT", "9"));
        await DaemonFixture.Eventually(() => Log.Split("next try in").Length > 4, "several starts");
        Assert.Contains("it ended with code 9: ", Log, StringComparison.Ordinal);
        Assert.Contains("next try in 200 ms", Log, StringComparison.Ordinal);
        using var channel = Connect();
        var status = await new PipelineService.PipelineServiceClient(channel).GetStatusAsync(new GetStatusRequest());
        Assert.NotEqual("running", status.DataplaneState);
        Assert.Equal(0, await StopAsync(_daemon));
    }

    [Fact]
    public async Task Systemd_is_told()
    {
        WriteConfig();
        var path = _directory + "/notify.sock";
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.ReceiveTimeout = 20_000;
        _daemon = Start(("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "200000"));
        var said = new StringBuilder();
        var buffer = new byte[4096];
        void ReadUntil(string message)
        {
            while (!said.ToString().Contains(message, StringComparison.Ordinal))
                said.Append(Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer))).Append('\n');
        }

        ReadUntil("READY=1");
        ReadUntil("WATCHDOG=1");
        Signal(_daemon.Id, "HUP");
        ReadUntil("RELOADING=1");
        Signal(_daemon.Id, "TERM");
        ReadUntil("STOPPING=1");
        await _daemon.WaitForExitAsync();
        Assert.Equal(0, _daemon.ExitCode);
    }

    [Fact]
    public async Task A_full_disk_refuses_new_flows_and_keeps_the_old()
    {
        var journal = _directory + "/small";
        Directory.CreateDirectory(journal);
        Run("mount", "-t", "tmpfs", "-o", "size=128k", "kbs-journal-test", journal);
        try
        {
            WriteConfig(journal: journal);
            _daemon = Start();
            using var channel = Connect();
            await RunningAsync(channel);
            await InsertAsync(channel, 200);
            var error = await Assert.ThrowsAsync<RpcException>(() => InsertAsync(channel, 10_000));
            Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
            Assert.Contains("no room", error.Status.Detail, StringComparison.Ordinal);
            Assert.Equal(200, await CountAsync(channel));
            await StopAsync(_daemon);
        }
        finally
        {
            if (_daemon is { HasExited: false }) await StopAsync(_daemon);
            Run("umount", journal);
        }
    }

    private static void Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command}: {error}");
    }
}
