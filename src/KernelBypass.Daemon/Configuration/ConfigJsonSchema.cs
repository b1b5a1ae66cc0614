using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace KernelBypass.Daemon.Configuration;

/// <summary>Writes <see cref="ConfigSchema"/> as a JSON schema (draft 2020-12), for editors and CI.</summary>
internal static class ConfigJsonSchema
{
    private static readonly JsonWriterOptions s_options = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static string Render()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, s_options))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "https://json-schema.org/draft/2020-12/schema");
            WriteBody(json, ConfigSchema.Root);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Write(Utf8JsonWriter json, ConfigField field)
    {
        json.WriteStartObject();
        WriteBody(json, field);
        json.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter json, ConfigField field)
    {
        json.WriteString("description", field.Description);
        switch (field.Kind)
        {
            case ConfigKind.Section:
                WriteSection(json, field);
                break;
            case ConfigKind.List:
                json.WriteString("type", "array");
                json.WritePropertyName("items");
                Write(json, field.Item!);
                break;
            case ConfigKind.Map:
                json.WriteString("type", "object");
                json.WritePropertyName("additionalProperties");
                Write(json, field.Item!);
                break;
            case ConfigKind.Integer:
                json.WriteString("type", "integer");
                if (field.Minimum != long.MinValue) json.WriteNumber("minimum", field.Minimum);
                if (field.Maximum != long.MaxValue) json.WriteNumber("maximum", field.Maximum);
                json.WriteNumber("default", (long)field.Default!);
                break;
            case ConfigKind.Boolean:
                json.WriteString("type", "boolean");
                json.WriteBoolean("default", (bool)field.Default!);
                break;
            case ConfigKind.Choice:
                json.WriteStartArray("enum");
                foreach (var choice in field.Choices) json.WriteStringValue(choice);
                json.WriteEndArray();
                json.WriteString("default", (string)field.Default!);
                break;
            default:
                // A CPU list such as 3 or a mode such as 0660 is a number to YAML and a text to us.
                json.WriteStartArray("type");
                foreach (var type in (string[])["string", "integer"]) json.WriteStringValue(type);
                json.WriteEndArray();
                var optional = field.MayBeEmpty || (field.Default is "" && !field.Required);
                if (field.Pattern is { } pattern) json.WriteString("pattern", $"^(?:{pattern}){(optional ? "?" : "")}$");
                if (!field.Required) json.WriteString("default", (string)field.Default!);
                break;
        }
    }

    private static void WriteSection(Utf8JsonWriter json, ConfigField field)
    {
        json.WriteString("type", "object");
        json.WriteBoolean("additionalProperties", false);
        if (field.Fields.Any(child => child.Required))
        {
            json.WriteStartArray("required");
            foreach (var child in field.Fields.Where(child => child.Required)) json.WriteStringValue(child.Name);
            json.WriteEndArray();
        }

        json.WriteStartObject("properties");
        foreach (var child in field.Fields)
        {
            json.WritePropertyName(child.Name);
            Write(json, child);
        }

        json.WriteEndObject();
    }
}
