namespace KernelBypass.Daemon.Configuration;

/// <summary>One thing wrong with a configuration.</summary>
/// <param name="File">The file as it was named.</param>
/// <param name="Place">Line and column, from 1.</param>
/// <param name="Path">The field: <c>ports[1].mtu</c>; empty for the file as a whole.</param>
/// <param name="Message">What is wrong and how to mend it.</param>
internal sealed record ConfigError(string File, YamlPlace Place, string Path, string Message)
{
    /// <summary><c>file:line:column: path: message</c>, as editors understand it.</summary>
    public override string ToString() =>
        $"{File}:{Place.Line}:{Place.Column}: {(Path.Length == 0 ? "" : Path + ": ")}{Message}";
}

/// <summary>Collects every error of one file.</summary>
internal sealed class ConfigErrors(string file)
{
    private readonly List<ConfigError> _all = [];

    /// <summary>The errors in the file's order.</summary>
    internal IReadOnlyList<ConfigError> All => [.. _all.OrderBy(error => error.Place.Line).ThenBy(error => error.Place.Column)];

    /// <summary>Whether there is none.</summary>
    internal bool None => _all.Count == 0;

    internal void Add(YamlPlace place, string path, string message) => _all.Add(new(file, place, path, message));

    internal void Add(ConfigNode node, string message) => Add(node.Place, node.Path, message);
}

/// <summary>A configuration that cannot be used.</summary>
internal sealed class ConfigException(IReadOnlyList<ConfigError> errors) : Exception(string.Join('\n', errors))
{
    /// <summary>Every error.</summary>
    internal IReadOnlyList<ConfigError> Errors => errors;
}
