using System.Globalization;
using System.Text.RegularExpressions;

namespace KernelBypass.Daemon.Configuration;

/// <summary>Checks a YAML tree against the schema and fills in defaults. Goes on after an error, so that all are found.</summary>
internal sealed class ConfigBinder(ConfigErrors errors)
{
    private static readonly YamlPlace s_nowhere = new(1, 1);

    /// <summary>Binds a value; with errors, a default stands in for what is wrong.</summary>
    internal ConfigNode Bind(ConfigField field, YamlValue? value, string path)
    {
        if (value is null) return Default(field, path, s_nowhere);
        return field.Kind switch
        {
            ConfigKind.Section => BindSection(field, value, path),
            ConfigKind.List => BindList(field, value, path),
            ConfigKind.Map => BindMap(field, value, path),
            _ => BindScalar(field, value, path),
        };
    }

    private static ConfigNode Default(ConfigField field, string path, YamlPlace place)
    {
        switch (field.Kind)
        {
            case ConfigKind.Section:
                var entries = new Dictionary<string, ConfigNode>();
                foreach (var child in field.Fields) entries[child.Name] = Default(child, Join(path, child.Name), place);
                return new(path, place, entries, given: false);
            case ConfigKind.List:
                return new(path, place, Array.Empty<ConfigNode>(), given: false);
            case ConfigKind.Map:
                return new(path, place, new Dictionary<string, ConfigNode>(), given: false);
            default:
                return new(path, place, field.Default!, given: false);
        }
    }

    private ConfigNode BindSection(ConfigField field, YamlValue value, string path)
    {
        if (value is YamlText { IsNull: true }) return Default(field, path, value.Place);
        if (value is not YamlMap map)
        {
            errors.Add(value.Place, path, $"{Describe(value)} where a section of keys is wanted: {Names(field)}");
            return Default(field, path, value.Place);
        }

        var given = DistinctEntries(map, path);
        foreach (var (name, (key, _)) in given)
        {
            if (field.Fields.Any(child => child.Name == name)) continue;
            var nearest = NearestName.Find(name, field.Fields.Select(child => child.Name));
            var remedy = nearest is null ? $"known keys: {Names(field)}" : $"did you mean '{nearest}'?";
            errors.Add(key.Place, Join(path, name), $"unknown key '{name}': {remedy}");
        }

        var entries = new Dictionary<string, ConfigNode>();
        foreach (var child in field.Fields)
        {
            if (given.TryGetValue(child.Name, out var entry))
            {
                entries[child.Name] = Bind(child, entry.Value, Join(path, child.Name));
                continue;
            }

            if (child.Required) errors.Add(value.Place, path, $"needs '{child.Name}': {child.Description}");
            entries[child.Name] = Default(child, Join(path, child.Name), value.Place);
        }

        return new(path, value.Place, entries, given: true);
    }

    private ConfigNode BindList(ConfigField field, YamlValue value, string path)
    {
        if (value is YamlText { IsNull: true }) return Default(field, path, value.Place);
        if (value is not YamlList list)
        {
            errors.Add(value.Place, path, $"{Describe(value)} where a list is wanted: write [a, b] or one '- item' a line");
            return Default(field, path, value.Place);
        }

        var items = new ConfigNode[list.Items.Count];
        for (var i = 0; i < items.Length; i++) items[i] = Bind(field.Item!, list.Items[i], $"{path}[{i}]");
        return new(path, value.Place, items, given: true);
    }

    private ConfigNode BindMap(ConfigField field, YamlValue value, string path)
    {
        if (value is YamlText { IsNull: true }) return Default(field, path, value.Place);
        if (value is not YamlMap map)
        {
            errors.Add(value.Place, path, $"{Describe(value)} where 'name: value' pairs are wanted");
            return Default(field, path, value.Place);
        }

        var entries = new Dictionary<string, ConfigNode>();
        foreach (var (name, (key, item)) in DistinctEntries(map, path))
            entries[name] = Bind(field.Item!, item, Join(path, name)).WithKey(key.Place);
        return new(path, value.Place, entries, given: true);
    }

    private Dictionary<string, (YamlText Key, YamlValue Value)> DistinctEntries(YamlMap map, string path)
    {
        var distinct = new Dictionary<string, (YamlText Key, YamlValue Value)>();
        foreach (var (key, value) in map.Entries)
        {
            if (distinct.TryAdd(key.Text, (key, value))) continue;
            var first = distinct[key.Text].Key.Place;
            errors.Add(key.Place, Join(path, key.Text), $"duplicate key '{key.Text}': it stands in line {first.Line} already; remove one");
        }

        return distinct;
    }

    private ConfigNode BindScalar(ConfigField field, YamlValue value, string path)
    {
        if (value is not YamlText text)
        {
            errors.Add(value.Place, path, $"{Describe(value)} where {Wanted(field)} is wanted");
            return Default(field, path, value.Place);
        }

        if (text.IsNull && field.Kind != ConfigKind.Text)
        {
            errors.Add(value.Place, path, $"is empty: give {Wanted(field)}, or remove the key for the default");
            return Default(field, path, value.Place);
        }

        object? parsed = field.Kind switch
        {
            ConfigKind.Integer => ParseInteger(field, text, path),
            ConfigKind.Boolean => ParseBoolean(text, path),
            ConfigKind.Choice => ParseChoice(field, text, path),
            _ => ParseText(field, text, path),
        };
        return new(path, value.Place, parsed ?? field.Default!, given: true);
    }

    private long? ParseInteger(ConfigField field, YamlText text, string path)
    {
        var digits = text.Text.Replace("_", "", StringComparison.Ordinal);
        long number;
        var ok = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? long.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            : long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
        if (!ok)
        {
            errors.Add(text.Place, path, $"'{text.Text}' is not a whole number: give {Wanted(field)}");
            return null;
        }

        if (number >= field.Minimum && number <= field.Maximum) return number;
        errors.Add(text.Place, path, $"{number} is out of range: give {Wanted(field)}");
        return null;
    }

    private bool? ParseBoolean(YamlText text, string path)
    {
        if (text.Text is "true" or "false") return text.Text == "true";
        errors.Add(text.Place, path, $"'{text.Text}' is neither true nor false: write one of them");
        return null;
    }

    private string? ParseChoice(ConfigField field, YamlText text, string path)
    {
        if (field.Choices.Contains(text.Text)) return text.Text;
        var nearest = NearestName.Find(text.Text, field.Choices);
        var hint = nearest is null ? "" : $" (did you mean '{nearest}'?)";
        errors.Add(text.Place, path, $"'{text.Text}' is not one of {string.Join(", ", field.Choices)}{hint}");
        return null;
    }

    private string? ParseText(ConfigField field, YamlText text, string path)
    {
        var value = text.IsNull ? "" : text.Text;
        if (field.Pattern is null || (value.Length == 0 && (field.Default is "" || field.MayBeEmpty) && !field.Required)) return value;
        if (Regex.IsMatch(value, $"^(?:{field.Pattern})$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1))) return value;
        errors.Add(text.Place, path, $"'{value}' is not {field.PatternText}");
        return null;
    }

    /// <summary>What a value may be, in words.</summary>
    internal static string Wanted(ConfigField field) => field.Kind switch
    {
        ConfigKind.Integer when field.Maximum == long.MaxValue => $"a whole number from {field.Minimum}",
        ConfigKind.Integer => $"a whole number from {field.Minimum} to {field.Maximum}",
        ConfigKind.Boolean => "true or false",
        ConfigKind.Choice => "one of " + string.Join(", ", field.Choices),
        _ => field.PatternText ?? "a text",
    };

    private static string Describe(YamlValue value) => value switch
    {
        YamlList => "a list stands",
        YamlMap => "a section stands",
        YamlText text => $"'{text.Text}' stands",
        _ => "something else stands",
    };

    private static string Names(ConfigField field) => string.Join(", ", field.Fields.Select(child => child.Name));

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
