using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KernelBypass.SwitchBench.Traffic;

namespace KernelBypass.SwitchBench.Duts;

/// <summary>dpdk-testpmd in a forwarding mode; counters over DPDK's telemetry socket.</summary>
internal sealed class TestpmdDut(TrafficShape shape, string mode = "io") : IDut
{
    private readonly string _prefix = $"kbbench{Environment.ProcessId}";
    private Process? _process;
    private Socket? _telemetry;

    public string Name => $"dpdk-testpmd {mode}";

    public int Pid => _process!.Id;

    public async Task StartAsync(Rig rig)
    {
        var mbufs = 16384 + shape.Flows;
        var command = $"dpdk-testpmd --lcores 0,1 --main-lcore 0 --in-memory --no-pci --file-prefix={_prefix}"
            + $" --vdev net_pcap0,rx_pcap={rig.Packets(shape)},infinite_rx=1 --vdev net_null0,no-rx=1 --"
            + $" --forward-mode={mode} --auto-start --nb-cores=1 --burst=32 --total-num-mbufs={mbufs} --stats-period 1000";
        _process = ProcessRun.Start(command, Path.Combine(rig.Folder, "testpmd.log"));
        await ProcessRun.UntilAsync(() => Task.FromResult(TryConnect()), 60, "testpmd's telemetry");
        await ProcessRun.UntilAsync(async () => await ReadPacketsAsync() > 0, 60, "testpmd's forwarding");
    }

    public Task<ulong> ReadPacketsAsync()
    {
        _telemetry!.Send(Encoding.ASCII.GetBytes("/ethdev/stats,1"));
        var buffer = new byte[1 << 16];
        var length = _telemetry.Receive(buffer);
        using var document = JsonDocument.Parse(buffer.AsMemory(0, length));
        var stats = document.RootElement.GetProperty("/ethdev/stats");
        return Task.FromResult(stats.ValueKind == JsonValueKind.Object ? stats.GetProperty("opackets").GetUInt64() : 0);
    }

    public Task StopAsync()
    {
        _telemetry?.Dispose();
        _telemetry = null;
        ProcessRun.Stop(_process);
        _process = null;
        return Task.CompletedTask;
    }

    private bool TryConnect()
    {
        if (_process!.HasExited) throw new InvalidOperationException("dpdk-testpmd ended; is dpdk-dev installed?");
        var path = $"/var/run/dpdk/{_prefix}/dpdk_telemetry.v2";
        if (!File.Exists(path)) return false;
        var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified) { ReceiveTimeout = 10000 };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            socket.Receive(new byte[1 << 16]); // the greeting
            _telemetry = socket;
            return true;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return false;
        }
    }
}
