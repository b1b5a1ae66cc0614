using System.Buffers;
using System.Reflection;
using System.Text;
using System.Text.Json;
using KernelBypass.DataPlane.Hosting;
using KernelBypass.DataPlane.Switch;
using KernelBypass.Model.Declarations;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.DataPlane;

/// <summary>--describe: what the data plane has, as JSON, from the declarations themselves.</summary>
internal static class Describe
{
    /// <summary>The document's text.</summary>
    internal static string Text()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("version", Release.Version);
            json.WriteStartArray("default_stages");
            foreach (var stage in PipelineSettings.DefaultStages) json.WriteStringValue(stage);
            json.WriteEndArray();
            json.WritePropertyName("stages");
            json.WriteRawValue(StageCatalogue.Default.Describe());
            json.WriteStartArray("drop_reasons");
            foreach (var reason in StageCatalogue.Default.DropReasons)
            {
                json.WriteStartObject();
                json.WriteNumber("number", reason.Number);
                json.WriteString("stage", reason.StageKind);
                json.WriteString("name", reason.Declaration.Name);
                json.WriteString("description", reason.Declaration.Description);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("metrics");
            foreach (var metric in Metrics()) Write(json, metric);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static IEnumerable<MetricDeclaration> Metrics() => ProcessMetrics.All
        .Concat(DeclaredIn(typeof(Pipeline.Engine.EngineMetrics)))
        .Concat(DeclaredIn(typeof(Pipeline.Ports.PortMetrics)))
        .Concat(Pipeline.L2.MacTable.Metrics)
        .Concat(StageCatalogue.Default.Kinds.SelectMany(kind => kind.Declaration.Metrics))
        .DistinctBy(metric => metric.Name);

    private static IEnumerable<MetricDeclaration> DeclaredIn(Type owner) =>
        owner.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => field.GetValue(null))
            .OfType<MetricDeclaration>();

    private static void Write(Utf8JsonWriter json, MetricDeclaration metric)
    {
        json.WriteStartObject();
        json.WriteString("name", metric.Name);
        json.WriteString("unit", metric.Unit);
        json.WriteString("kind", metric.Kind == MetricKind.Gauge ? "gauge" : "counter");
        json.WriteString("description", metric.Description);
        json.WriteStartArray("labels");
        foreach (var label in metric.Labels) json.WriteStringValue(label);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
