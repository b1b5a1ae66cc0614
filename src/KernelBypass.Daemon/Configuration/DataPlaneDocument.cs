using System.Text;
using System.Text.Json;

namespace KernelBypass.Daemon.Configuration;

/// <summary>
/// What the data-plane process is started with: the sections of the configuration that it needs, as JSON with the same keys.
/// </summary>
internal static class DataPlaneDocument
{
    private static readonly JsonWriterOptions s_indented = new() { Indented = true };

    /// <summary>The document's text.</summary>
    internal static string Render(DaemonConfig config)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_indented))
        {
            json.WriteStartObject();
            json.WriteString("run_dir", config.DataPlane.RunDir);
            WriteEal(json, config);
            json.WriteStartObject("mempool");
            json.WriteNumber("mbufs", config.Mempool.Mbufs);
            json.WriteNumber("cache", config.Mempool.Cache);
            json.WriteNumber("data_room_bytes", config.Mempool.DataRoomBytes);
            json.WriteEndObject();
            WriteLimits(json, config.Limits);
            json.WriteStartObject("idle");
            json.WriteNumber("spin_polls", config.Idle.SpinPolls);
            json.WriteNumber("pause_polls", config.Idle.PausePolls);
            json.WriteNumber("max_sleep_us", config.Idle.MaxSleepUs);
            json.WriteNumber("main_wait_us", config.Idle.MainWaitUs);
            json.WriteEndObject();
            WritePipeline(json, config.Pipeline);
            json.WriteStartObject("logging");
            json.WriteString("level", config.Logging.Level);
            json.WriteString("format", config.Logging.Json ? "json" : "text");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void WriteEal(Utf8JsonWriter json, DaemonConfig config)
    {
        var eal = config.Eal;
        json.WriteStartObject("eal");
        var lcores = eal.Lcores.Length > 0 ? eal.Lcores : CpuList.Allowed();
        json.WriteString("lcores", lcores);
        json.WriteNumber("main_lcore", eal.MainLcore >= 0 ? eal.MainLcore : CpuList.Parse(lcores)[0]);
        json.WriteBoolean("hugepages", eal.Hugepages);
        json.WriteNumber("memory_mb", eal.MemoryMb);
        json.WriteString("file_prefix", eal.FilePrefix);
        WriteTexts(json, "pci_allow", eal.PciAllow.Union(config.Ports.Where(port => port.IsPci).Select(port => port.Device)));
        WriteTexts(json, "vdevs", eal.Vdevs);
        json.WriteString("iova_mode", eal.IovaMode);
        json.WriteEndObject();
    }

    private static void WriteLimits(Utf8JsonWriter json, LimitsConfig limits)
    {
        json.WriteStartObject("limits");
        json.WriteNumber("tables", limits.Tables);
        json.WriteNumber("flows", limits.Flows);
        json.WriteNumber("flows_per_table", limits.FlowsPerTable);
        json.WriteNumber("actions_per_flow", limits.ActionsPerFlow);
        json.WriteNumber("masks", limits.Masks);
        json.WriteNumber("batch_flows", limits.BatchFlows);
        json.WriteNumber("macs", limits.Macs);
        json.WriteNumber("mac_age_s", limits.MacAgeSeconds);
        json.WriteNumber("ports", limits.Ports);
        json.WriteNumber("packet_in_ring", limits.PacketInRing);
        json.WriteNumber("packet_out_ring", limits.PacketOutRing);
        json.WriteNumber("timeout_sweep_ms", limits.TimeoutSweepMs);
        json.WriteNumber("metrics", limits.Metrics);
        json.WriteEndObject();
    }

    private static void WritePipeline(Utf8JsonWriter json, PipelineConfig pipeline)
    {
        json.WriteStartObject("pipeline");
        json.WriteStartArray("stages");
        foreach (var stage in pipeline.Stages)
        {
            json.WriteStartObject();
            json.WriteString("name", stage.Name);
            json.WriteString("kind", stage.Kind);
            json.WriteStartObject("options");
            foreach (var (name, value) in stage.Options) json.WriteNumber(name, value);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("placement");
        foreach (var chain in pipeline.Placement)
        {
            json.WriteStartObject();
            WriteTexts(json, "stages", chain.Stages);
            json.WriteStartArray("lcores");
            foreach (var lcore in chain.Lcores) json.WriteNumberValue(lcore);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
