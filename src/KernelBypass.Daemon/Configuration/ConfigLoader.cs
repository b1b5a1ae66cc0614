using System.Text;
using YamlDotNet.Core;

namespace KernelBypass.Daemon.Configuration;

/// <summary>Reads, binds and checks a configuration file.</summary>
internal static class ConfigLoader
{
    private const int MaxBytes = 16 << 20;

    /// <summary>Loads a file.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="host">What this host has, or null to leave devices, files and CPUs unchecked.</param>
    /// <param name="describe">Asks a data-plane program for its kinds of stage, or null to leave those to the program itself.</param>
    /// <exception cref="ConfigException">With every error of the file.</exception>
    internal static DaemonConfig Load(string path, HostInventory? host, Func<string, DataPlaneDescription>? describe = null)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MaxBytes })
                throw Failed(path, new(1, 1), $"longer than {MaxBytes} bytes: a configuration this long is a mistake");
            using var reader = new StreamReader(path, new UTF8Encoding(false, throwOnInvalidBytes: true));
            return Parse(path, reader, host, describe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed(path, new(1, 1), $"cannot be read: {e.Message}");
        }
        catch (DecoderFallbackException)
        {
            throw Failed(path, new(1, 1), "is not UTF-8: save it as UTF-8");
        }
    }

    /// <summary>Loads from text; <paramref name="file"/> is the name in messages.</summary>
    /// <exception cref="ConfigException">With every error of the text.</exception>
    internal static DaemonConfig Parse(
        string file, TextReader text, HostInventory? host, Func<string, DataPlaneDescription>? describe = null)
    {
        YamlValue? tree;
        try
        {
            tree = YamlTreeReader.Read(text);
        }
        catch (YamlException e)
        {
            throw Failed(file, new((int)e.Start.Line, (int)e.Start.Column), $"not YAML: {e.Message}");
        }

        var errors = new ConfigErrors(file);
        var root = new ConfigBinder(errors).Bind(ConfigSchema.Root, tree, "");
        var config = ConfigRead.From(root, errors);
        new ConfigChecker(root, config, errors).Check(host);
        if (describe is not null) new StageChecker(root, config, errors).Check(describe);
        return errors.None ? config : throw new ConfigException(errors.All);
    }

    private static ConfigException Failed(string file, YamlPlace place, string message) => new([new(file, place, "", message)]);
}
