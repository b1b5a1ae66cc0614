using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace KernelBypass.Daemon.Configuration;

/// <summary>A place in a file, counted from 1.</summary>
internal readonly record struct YamlPlace(int Line, int Column);

/// <summary>A node of a YAML document with its place.</summary>
internal abstract record YamlValue(YamlPlace Place);

/// <summary>A scalar; <paramref name="Plain"/> when it is not quoted.</summary>
internal sealed record YamlText(string Text, bool Plain, YamlPlace Place) : YamlValue(Place)
{
    /// <summary>Whether it says "nothing": empty, ~ or null, unquoted.</summary>
    internal bool IsNull => Plain && Text is "" or "~" or "null";
}

/// <summary>A sequence.</summary>
internal sealed record YamlList(IReadOnlyList<YamlValue> Items, YamlPlace Place) : YamlValue(Place);

/// <summary>A mapping in the file's order. Keys may repeat: the binder says so, with the place of each.</summary>
internal sealed record YamlMap(IReadOnlyList<KeyValuePair<YamlText, YamlValue>> Entries, YamlPlace Place) : YamlValue(Place);

/// <summary>Reads YAML into a tree that keeps places and repeated keys, which YamlDotNet's own tree refuses at the first.</summary>
internal sealed class YamlTreeReader
{
    private const int MaxDepth = 32;
    private readonly Parser _parser;
    private readonly Dictionary<string, YamlValue> _anchors = [];

    private YamlTreeReader(TextReader text) => _parser = new Parser(text);

    /// <summary>The document, or null for an empty file.</summary>
    /// <exception cref="YamlException">Not YAML, nested deeper than 32, or more than one document.</exception>
    internal static YamlValue? Read(TextReader text)
    {
        var reader = new YamlTreeReader(text);
        reader._parser.Consume<StreamStart>();
        if (reader._parser.TryConsume<StreamEnd>(out _)) return null;
        reader._parser.Consume<DocumentStart>();
        var value = reader.ReadValue(0);
        reader._parser.Consume<DocumentEnd>();
        if (!reader._parser.TryConsume<StreamEnd>(out _))
        {
            var second = reader._parser.Current!;
            throw new YamlException(second.Start, second.End, "a second document: a configuration is one document");
        }

        return value;
    }

    private YamlValue ReadValue(int depth)
    {
        var start = _parser.Current!;
        if (depth > MaxDepth) throw new YamlException(start.Start, start.End, $"nested deeper than {MaxDepth}");
        var place = new YamlPlace((int)start.Start.Line, (int)start.Start.Column);
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            return _anchors.TryGetValue(alias.Value.Value, out var known)
                ? known
                : throw new YamlException(alias.Start, alias.End, $"no anchor &{alias.Value.Value} before this alias");
        }

        var anchor = start is NodeEvent node && !node.Anchor.IsEmpty ? node.Anchor.Value : null;
        YamlValue value;
        if (_parser.TryConsume<Scalar>(out var scalar))
            value = new YamlText(scalar.Value, scalar.Style == ScalarStyle.Plain, place);
        else if (_parser.TryConsume<SequenceStart>(out _))
            value = ReadList(place, depth);
        else
            value = ReadMap(place, depth);
        if (anchor is not null) _anchors[anchor] = value;
        return value;
    }

    private YamlList ReadList(YamlPlace place, int depth)
    {
        var items = new List<YamlValue>();
        while (!_parser.TryConsume<SequenceEnd>(out _)) items.Add(ReadValue(depth + 1));
        return new YamlList(items, place);
    }

    private YamlMap ReadMap(YamlPlace place, int depth)
    {
        _parser.Consume<MappingStart>();
        var entries = new List<KeyValuePair<YamlText, YamlValue>>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = ReadValue(depth + 1) as YamlText
                ?? throw new YamlException(_parser.Current!.Start, _parser.Current.End, "a key must be plain text");
            entries.Add(new(key, ReadValue(depth + 1)));
        }

        return new YamlMap(entries, place);
    }
}
