namespace KernelBypass.Daemon.Configuration;

/// <summary>What a configuration value is.</summary>
internal enum ConfigKind
{
    Text,
    Integer,
    Boolean,
    Choice,
    List,
    Map,
    Section,
}

/// <summary>
/// The one declaration of a configuration key: the binder, <c>--check</c>, the JSON schema and docs/configuration.md come from it.
/// </summary>
internal sealed record ConfigField(string Name, ConfigKind Kind, string Description)
{
    /// <summary>A <see cref="long"/>, <see cref="bool"/> or <see cref="string"/>; null for collections and sections.</summary>
    internal object? Default { get; init; }
    internal long Minimum { get; init; } = long.MinValue;
    internal long Maximum { get; init; } = long.MaxValue;

    /// <summary>The values of a choice.</summary>
    internal IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>What a text must look like, and the same in words.</summary>
    internal string? Pattern { get; init; }
    internal string? PatternText { get; init; }

    /// <summary>The items of a list or the values of a map.</summary>
    internal ConfigField? Item { get; init; }

    /// <summary>The keys of a section.</summary>
    internal IReadOnlyList<ConfigField> Fields { get; init; } = [];
    internal bool Required { get; init; }

    /// <summary>Whether an empty text says "none"; always so where it is the default.</summary>
    internal bool MayBeEmpty { get; init; }

    /// <summary>Whether SIGHUP takes a change over; otherwise it needs a restart.</summary>
    internal bool Reloadable { get; init; }

    internal static ConfigField Text(string name, string @default, string description, string? pattern = null, string? looks = null) =>
        new(name, ConfigKind.Text, description) { Default = @default, Pattern = pattern, PatternText = looks };

    internal static ConfigField Integer(string name, long @default, long minimum, long maximum, string description) =>
        new(name, ConfigKind.Integer, description) { Default = @default, Minimum = minimum, Maximum = maximum };

    internal static ConfigField Boolean(string name, bool @default, string description) =>
        new(name, ConfigKind.Boolean, description) { Default = @default };

    internal static ConfigField Choice(string name, string @default, string description, params string[] choices) =>
        new(name, ConfigKind.Choice, description) { Default = @default, Choices = choices };

    internal static ConfigField List(string name, ConfigField item, string description) =>
        new(name, ConfigKind.List, description) { Item = item };

    internal static ConfigField Map(string name, ConfigField item, string description) =>
        new(name, ConfigKind.Map, description) { Item = item };

    internal static ConfigField Section(string name, string description, params ConfigField[] fields) =>
        new(name, ConfigKind.Section, description) { Fields = fields };
}
