namespace KernelBypass.Daemon.Configuration;

/// <summary>A bound value: right in type and range, with defaults filled in, and its place for later errors.</summary>
internal sealed class ConfigNode(string path, YamlPlace place, object value, bool given)
{
    private YamlPlace? _key;

    internal string Path => path;

    internal YamlPlace Place => place;

    /// <summary>Where its key stands, for an entry of a map; elsewhere <see cref="Place"/>.</summary>
    internal YamlPlace KeyPlace => _key ?? place;

    /// <summary>Whether the file gave it; false for a default.</summary>
    internal bool Given => given;

    internal long Integer => (long)value;

    internal int Int => checked((int)(long)value);

    internal bool Boolean => (bool)value;

    internal string Text => (string)value;

    internal IReadOnlyList<ConfigNode> Items => (IReadOnlyList<ConfigNode>)value;

    internal IReadOnlyDictionary<string, ConfigNode> Entries => (IReadOnlyDictionary<string, ConfigNode>)value;

    /// <summary>The same value, with the place of its key.</summary>
    internal ConfigNode WithKey(YamlPlace key) => new(path, place, value, given) { _key = key };

    /// <summary>A key of a section.</summary>
    internal ConfigNode this[string name] => Entries[name];
}
