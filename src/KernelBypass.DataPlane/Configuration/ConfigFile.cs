using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace KernelBypass.DataPlane.Configuration;

/// <summary>A configuration that cannot be used; the message names file, place and remedy.</summary>
internal sealed class ConfigException(string message) : Exception(message);

/// <summary>Reads and checks the configuration file.</summary>
internal static class ConfigFile
{
    /// <summary>Reads, binds and checks.</summary>
    /// <returns>The configuration and the SHA-256 of its bytes, in hex.</returns>
    /// <exception cref="ConfigException">The file is absent, malformed, or a value is out of bounds.</exception>
    internal static (DataPlaneConfig Config, string Digest) Load(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"{path}: cannot be read: {e.Message}");
        }

        return (Parse(bytes, path), Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>Binds and checks.</summary>
    internal static DataPlaneConfig Parse(ReadOnlySpan<byte> json, string path)
    {
        try
        {
            var config = JsonSerializer.Deserialize(json, DataPlaneConfigJson.Default.DataPlaneConfig)
                ?? throw new ConfigException($"{path}: is 'null': give an object");
            Check(config, path);
            return config;
        }
        catch (JsonException e)
        {
            var line = e.LineNumber is { } number ? $":{number + 1}" : "";
            throw new ConfigException($"{path}{line}: {e.Path}: {FirstSentence(e.Message)}");
        }
    }

    /// <summary>The level's name as the host's logger has it.</summary>
    internal static LogLevel LevelOf(string name) => name switch
    {
        "trace" => LogLevel.Trace,
        "debug" => LogLevel.Debug,
        "information" or "info" => LogLevel.Information,
        "warning" => LogLevel.Warning,
        "error" => LogLevel.Error,
        _ => LogLevel.None,
    };

    private static void Check(DataPlaneConfig config, string path)
    {
        var limits = config.Limits;
        Bound(limits.Tables, 1, 254, "limits.tables");
        Bound(limits.Flows, 1, 1 << 26, "limits.flows");
        Bound(limits.FlowsPerTable, 1, 1 << 26, "limits.flows_per_table");
        Bound(limits.ActionsPerFlow, 1, 1024, "limits.actions_per_flow");
        Bound(limits.Masks, 1, 65_536, "limits.masks");
        Bound(limits.BatchFlows, 1, 1 << 20, "limits.batch_flows");
        Bound(limits.Macs, 1, 16 << 20, "limits.macs");
        Bound(limits.MacAgeS, 0, 1_000_000, "limits.mac_age_s");
        Bound(limits.Ports, 1, 1024, "limits.ports");
        Bound(limits.TimeoutSweepMs, 1, 60_000, "limits.timeout_sweep_ms");
        Bound(limits.Metrics, 1024, 1 << 20, "limits.metrics");
        Bound(config.Idle.MainWaitUs, 0, 100_000, "idle.main_wait_us");
        Bound(config.Eal.MainLcore, 0, 1023, "eal.main_lcore");
        Bound(config.Eal.MemoryMb, 0, 1 << 20, "eal.memory_mb");
        Bound(config.Mempool.DataRoomBytes, 1024, 16_384, "mempool.data_room_bytes");
        OneOf(config.Eal.IovaMode, "eal.iova_mode", "auto", "va", "pa");
        OneOf(config.Logging.Level, "logging.level", "trace", "debug", "information", "info", "warning", "error");
        OneOf(config.Logging.Format, "logging.format", "text", "json");
        foreach (var stage in config.Pipeline.Stages)
            if (stage.Kind.Length == 0) throw new ConfigException($"{path}: pipeline.stages: a stage has no kind");

        void Bound(long value, long minimum, long maximum, string key)
        {
            if (value < minimum || value > maximum) throw new ConfigException(
                $"{path}: {key} is {value}; it must be {minimum} to {maximum}");
        }

        void OneOf(string value, string key, params string[] allowed)
        {
            if (!allowed.Contains(value)) throw new ConfigException(
                $"{path}: {key} is '{value}'; it must be one of {string.Join(", ", allowed)}");
        }
    }

    private static string FirstSentence(string message)
    {
        var end = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
