using System.Diagnostics;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using KernelBypass.SwitchBench.Traffic;
using KernelBypass.V1;

namespace KernelBypass.SwitchBench.Duts;

/// <summary>KernelBypass as users run it: both processes, a YAML file, flows over gRPC.</summary>
/// <param name="shape">Traffic.</param>
/// <param name="flows">File of flows for kbctl, or null.</param>
/// <param name="pipeline">YAML of the pipeline section, or empty for the default.</param>
/// <param name="prepare">Run once it is up, before it is measured.</param>
internal sealed class SwitchDut(
    TrafficShape shape, Func<Rig, string>? flows = null, string pipeline = "", Func<SwitchDut, Task>? prepare = null) : IDut
{
    private Process? _daemon;
    private GrpcChannel? _channel;
    private string _folder = "";
    private string _programs = "";

    public string Name => "KernelBypass";

    public int Pid { get; private set; }

    /// <summary>EAL's lcores.</summary>
    internal string Lcores { get; init; } = "0-1";

    internal PipelineService.PipelineServiceClient Pipeline => new(_channel);

    internal FlowService.FlowServiceClient Flows => new(_channel);

    internal PortService.PortServiceClient Ports => new(_channel);

    internal PacketService.PacketServiceClient Packets => new(_channel);

    public async Task StartAsync(Rig rig)
    {
        _folder = Path.Combine(rig.Folder, "switch");
        _programs = rig.Programs;
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
        Directory.CreateDirectory(_folder);
        await File.WriteAllTextAsync($"{_folder}/kernelbypass.yaml", Yaml());
        _daemon = ProcessRun.Start($"taskset -c 0 {_programs}/kernelbypassd --config {_folder}/kernelbypass.yaml", $"{_folder}/log");
        _channel = OpenChannel($"{_folder}/run/api.sock");
        await ProcessRun.UntilAsync(IsRunningAsync, 60, $"the switch's start (see {_folder}/log)");
        Pid = (int)(await Pipeline.GetStatusAsync(new GetStatusRequest())).DataplanePid;

        // The traffic comes last, as with OVS: flows are there before the first packet.
        await AttachAsync("out", 2, "net_null0,no-rx=1");
        if (flows is not null) Kbctl($"flow load {flows(rig)}");
        await AttachAsync("in", 1, $"net_pcap0,rx_pcap={rig.Packets(shape)},infinite_rx=1");
        if (prepare is not null) await prepare(this);
        await Task.Delay(2000);
        await ProcessRun.UntilAsync(async () => await ReadPacketsAsync() > 0, 30, "the switch's forwarding");
    }

    public async Task<ulong> ReadPacketsAsync()
    {
        // Packets that reached tx: what was dropped before does not count as forwarded.
        var answer = await Pipeline.ReadMetricsAsync(new ReadMetricsRequest { Prefix = "kernelbypass_stage_packets" });
        return answer.Metrics.Where(metric => metric.Labels["stage"] == "tx").Aggregate(0ul, (sum, metric) => sum + metric.Value);
    }

    public Task StopAsync()
    {
        _channel?.Dispose();
        ProcessRun.Stop(_daemon, "TERM");
        _daemon = null;
        return Task.CompletedTask;
    }

    /// <summary>Moves the stages.</summary>
    internal Task PlaceAsync(params (string Stages, string Lcore)[] chains)
    {
        Kbctl("stage place " + string.Join(' ', chains.Select(chain => $"{chain.Stages}@{chain.Lcore}")));
        return Task.CompletedTask;
    }

    /// <summary>Runs kbctl; it must succeed.</summary>
    internal string Kbctl(string arguments) =>
        ProcessRun.Must($"{_programs}/kbctl {arguments} --timeout 60 --address unix://{_folder}/run/api.sock");

    private async Task AttachAsync(string name, uint number, string device) => await Ports.AttachAsync(new AttachPortRequest
    {
        Config = new PortConfig { Name = name, Number = number, Device = device, RxQueues = 1, TxQueues = 1 },
    });

    private string Yaml() => $"""
        dataplane:
          run_dir: {_folder}/run
        eal:
          lcores: "{Lcores}"
          hugepages: true
          memory_mb: {768 + (16384 + shape.Flows) * 3200L / (1 << 20)}
          file_prefix: kbbench{Environment.ProcessId}s
        mempool:
          mbufs: {16384 + shape.Flows}
        telemetry:
          prometheus:
            listen: "127.0.0.1:19465"
        journal:
          path: ""
        {pipeline}
        """;

    private async Task<bool> IsRunningAsync()
    {
        if (_daemon!.HasExited) throw new InvalidOperationException($"kernelbypassd ended: {await File.ReadAllTextAsync($"{_folder}/log")}");
        try
        {
            return (await Pipeline.GetStatusAsync(new GetStatusRequest(), deadline: DateTime.UtcNow.AddSeconds(2))).DataplaneState == "running";
        }
        catch (RpcException)
        {
            return false;
        }
    }

    private static GrpcChannel OpenChannel(string path) => GrpcChannel.ForAddress("http://localhost", new GrpcChannelOptions
    {
        HttpHandler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        },
    });
}
