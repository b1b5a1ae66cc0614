using System.Globalization;
using System.Text;

namespace KernelBypass.Daemon.Configuration;

/// <summary>Writes <see cref="ConfigSchema"/> as the tables of docs/configuration.md.</summary>
internal static class ConfigReference
{
    internal static string Render()
    {
        var text = new StringBuilder();
        foreach (var section in ConfigSchema.Root.Fields) WriteSection(text, section);
        return text.ToString();
    }

    private static void WriteSection(StringBuilder text, ConfigField section)
    {
        text.Append(CultureInfo.InvariantCulture, $"### {section.Name}\n\n{section.Description}");
        if (section.Reloadable) text.Append(" Taken over by SIGHUP.");
        text.Append("\n\n");
        var rows = new List<(string Key, ConfigField Field)>();
        Collect(rows, section, "");
        if (rows.Count == 0) return;
        text.Append("| key | value | default | meaning |\n|---|---|---|---|\n");
        foreach (var (key, field) in rows)
        {
            var reload = field.Reloadable ? " Taken over by SIGHUP." : "";
            text.Append(CultureInfo.InvariantCulture, $"| `{key}` | {Value(field)} | {Default(field)} | {field.Description}{reload} |\n");
        }

        text.Append('\n');
    }

    private static void Collect(List<(string Key, ConfigField Field)> rows, ConfigField field, string prefix)
    {
        switch (field.Kind)
        {
            case ConfigKind.Section:
                foreach (var child in field.Fields) Collect(rows, child, prefix.Length == 0 ? child.Name : $"{prefix}.{child.Name}");
                break;
            case ConfigKind.List when field.Item!.Kind == ConfigKind.Section:
                if (prefix.Length > 0) rows.Add((prefix, field));
                Collect(rows, field.Item, prefix + "[]");
                break;
            default:
                if (prefix.Length > 0) rows.Add((prefix, field));
                break;
        }
    }

    private static string Value(ConfigField field) => field.Kind switch
    {
        ConfigKind.Integer when field.Minimum == long.MinValue => "whole number",
        ConfigKind.Integer => $"{field.Minimum} to {field.Maximum}",
        ConfigKind.Boolean => "true, false",
        ConfigKind.Choice => string.Join(", ", field.Choices),
        ConfigKind.List => "list",
        ConfigKind.Map => "name: value",
        _ => field.PatternText ?? "text",
    };

    private static string Default(ConfigField field) => field.Kind switch
    {
        _ when field.Required => "required",
        ConfigKind.List or ConfigKind.Map => "empty",
        ConfigKind.Boolean => (bool)field.Default! ? "true" : "false",
        _ when field.Default is "" => "empty",
        _ => string.Create(CultureInfo.InvariantCulture, $"`{field.Default}`"),
    };
}
