using KernelBypass.Daemon.Flows;
using KernelBypass.Model.Flows;
using KernelBypass.Model.Text;

namespace KernelBypass.Daemon.Configuration;

/// <summary>Makes the typed configuration from bound nodes.</summary>
internal static class ConfigRead
{
    internal static DaemonConfig From(ConfigNode root, ConfigErrors errors)
    {
        var limits = ReadLimits(root["limits"]);
        var dataPlane = ReadDataPlane(root["dataplane"]);
        PortConfig[] ports = [.. root["ports"].Items.Select(ReadPort)];
        return new(
            dataPlane, ReadEal(root["eal"]), ReadMempool(root["mempool"]), limits, ReadIdle(root["idle"]),
            ports,
            ReadPipeline(root["pipeline"]),
            ReadFlows(root["flows"], limits, ports, errors),
            ReadGrpc(root["grpc"], dataPlane.RunDir),
            ReadTelemetry(root["telemetry"]),
            new(root["logging"]["level"].Text, root["logging"]["format"].Text == "json"),
            ReadJournal(root["journal"]));
    }

    private static DataPlaneConfig ReadDataPlane(ConfigNode node) => new(
        node["supervise"].Text == "external",
        node["path"].Text,
        node["run_dir"].Text.TrimEnd('/') is { Length: > 0 } directory ? directory : "/",
        node["start_timeout_ms"].Int,
        node["stop_timeout_ms"].Int,
        node["command_timeout_ms"].Int,
        node["restart_backoff_min_ms"].Int,
        node["restart_backoff_max_ms"].Int,
        node["restart_backoff_reset_ms"].Int);

    private static EalConfig ReadEal(ConfigNode node) => new(
        node["lcores"].Text,
        node["main_lcore"].Int,
        node["hugepages"].Boolean,
        node["memory_mb"].Int,
        node["file_prefix"].Text,
        Texts(node["pci_allow"]),
        Texts(node["vdevs"]),
        node["iova_mode"].Text);

    private static MempoolConfig ReadMempool(ConfigNode node) =>
        new(node["mbufs"].Int, node["cache"].Int, node["data_room_bytes"].Int);

    private static LimitsConfig ReadLimits(ConfigNode node) => new(
        node["tables"].Int,
        node["flows"].Int,
        node["flows_per_table"].Int,
        node["actions_per_flow"].Int,
        node["masks"].Int,
        node["batch_flows"].Int,
        node["macs"].Int,
        node["mac_age_s"].Int,
        node["ports"].Int,
        node["packet_in_ring"].Int,
        node["packet_out_ring"].Int,
        node["timeout_sweep_ms"].Int,
        node["metrics"].Int,
        node["watch_queue"].Int,
        node["watchers"].Int);

    private static IdleConfig ReadIdle(ConfigNode node) =>
        new(node["spin_polls"].Int, node["pause_polls"].Int, node["max_sleep_us"].Int, node["main_wait_us"].Int);

    private static PortConfig ReadPort(ConfigNode node) => new(
        node["name"].Text,
        node["number"].Int,
        node["device"].Text,
        node["rx_queues"].Int,
        node["tx_queues"].Int,
        node["rx_descriptors"].Int,
        node["tx_descriptors"].Int,
        node["mtu"].Int,
        node["promiscuous"].Boolean,
        node["allmulticast"].Boolean,
        node["mac"].Text,
        node["no_flood"].Boolean,
        node["admin_down"].Boolean);

    private static PipelineConfig ReadPipeline(ConfigNode node) => new(
        [.. node["stages"].Items.Select(ReadStage)],
        [.. node["placement"].Items.Select(chain =>
            new ChainConfig(Texts(chain["stages"]), [.. chain["lcores"].Items.Select(lcore => lcore.Int)]))]);

    private static StageConfig ReadStage(ConfigNode node)
    {
        var name = node["name"].Text;
        var options = node["options"].Entries.ToDictionary(option => option.Key, option => option.Value.Integer);
        return new(name, node["kind"].Text is { Length: > 0 } kind ? kind : name, options);
    }

    private static List<StaticFlow> ReadFlows(ConfigNode node, LimitsConfig limits, IReadOnlyList<PortConfig> ports, ConfigErrors errors)
    {
        var flows = new List<StaticFlow>();
        uint? Number(string name) => ports.FirstOrDefault(port => port.Name == name && port.Number != 0) is { } port ? (uint)port.Number : null;
        foreach (var item in node.Items)
        {
            try
            {
                var spec = FlowSpecWriter.Encode(FlowTextParser.Parse(item.Text, Number));
                FlowKey key = default, mask = default;
                var fault = FlowSpecDecoder.TryDecode(spec, limits.ForFlows, out _, ref key, ref mask);
                if (fault.IsOk) flows.Add(new(item.Text, spec));
                else errors.Add(item, fault.Describe());
            }
            catch (FormatException e)
            {
                errors.Add(item, e.Message);
            }
        }

        return flows;
    }

    private static GrpcConfig ReadGrpc(ConfigNode node, string runDir)
    {
        var socket = node["unix_socket"];
        var tcp = node["tcp"];
        return new(
            socket["path"].Text is { Length: > 0 } path ? path : runDir + "/api.sock",
            (UnixFileMode)Convert.ToInt32(socket["mode"].Text, 8),
            tcp["listen"].Text,
            tcp["tls_certificate"].Text,
            tcp["tls_key"].Text,
            tcp["client_ca"].Text,
            node["max_message_bytes"].Int,
            node["max_streams"].Int,
            node["test_service"].Boolean);
    }

    private static TelemetryConfig ReadTelemetry(ConfigNode node) => new(
        node["prometheus"]["listen"].Text,
        node["otlp"]["endpoint"].Text,
        node["otlp"]["protocol"].Text == "http",
        node["otlp"]["interval_ms"].Int);

    private static JournalConfig ReadJournal(ConfigNode node) => new(
        node["path"].Text,
        node["sync"].Text switch
        {
            "always" => JournalSync.Always,
            "never" => JournalSync.Never,
            _ => JournalSync.Interval,
        },
        node["sync_interval_ms"].Int,
        node["compact_mb"].Integer << 20);

    private static string[] Texts(ConfigNode list) => [.. list.Items.Select(item => item.Text)];
}
