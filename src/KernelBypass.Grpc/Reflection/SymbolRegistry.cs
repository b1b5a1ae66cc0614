using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Grpc.Reflection;

/// <summary>The files that declare a server's services, by name, by symbol and by extension.</summary>
internal sealed class SymbolRegistry
{
    private readonly Dictionary<string, FileDescriptor> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<string, FileDescriptor> _symbols = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SortedDictionary<int, FileDescriptor>> _extensions = new(StringComparer.Ordinal);

    public SymbolRegistry(IEnumerable<FileDescriptor> files)
    {
        foreach (var file in files)
            Add(file);
    }

    public FileDescriptor? FileByName(string name) => _files.GetValueOrDefault(name);

    /// <summary>The file that declares a service, method, message, field, enum or value.</summary>
    public FileDescriptor? FileBySymbol(string fullName) => _symbols.GetValueOrDefault(fullName);

    public FileDescriptor? FileByExtension(string extendee, int number) =>
        _extensions.TryGetValue(extendee, out var numbers) ? numbers.GetValueOrDefault(number) : null;

    /// <summary>The numbers of a message's extensions; null when the message is not known.</summary>
    public IEnumerable<int>? ExtensionNumbers(string extendee)
    {
        if (_extensions.TryGetValue(extendee, out var numbers))
            return numbers.Keys;
        return _symbols.TryGetValue(extendee, out var file) && Messages(file.MessageTypes).Any(m => m.FullName == extendee)
            ? []
            : null;
    }

    /// <summary>A file and all that it imports, each once, as serialized FileDescriptorProto.</summary>
    public static IEnumerable<ByteString> WithImports(FileDescriptor file)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<FileDescriptor>([file]);
        while (open.TryPop(out var next))
        {
            if (!seen.Add(next.Name))
                continue;
            yield return next.SerializedData;
            foreach (var import in next.Dependencies)
                open.Push(import);
        }
    }

    private static IEnumerable<MessageDescriptor> Messages(IEnumerable<MessageDescriptor> roots) =>
        roots.SelectMany(m => Messages(m.NestedTypes).Prepend(m));

    private void Add(FileDescriptor file)
    {
        if (!_files.TryAdd(file.Name, file))
            return;
        foreach (var import in file.Dependencies)
            Add(import);
        foreach (var service in file.Services)
        {
            _symbols.TryAdd(service.FullName, file);
            foreach (var method in service.Methods)
                _symbols.TryAdd(method.FullName, file);
        }

        AddEnums(file, file.EnumTypes);
        AddExtensions(file, file.Extensions);
        foreach (var message in Messages(file.MessageTypes))
        {
            _symbols.TryAdd(message.FullName, file);
            foreach (var field in message.Fields.InDeclarationOrder())
                _symbols.TryAdd(field.FullName, file);
            foreach (var oneof in message.Oneofs)
                _symbols.TryAdd(oneof.FullName, file);
            AddEnums(file, message.EnumTypes);
            AddExtensions(file, message.Extensions);
        }
    }

    private void AddEnums(FileDescriptor file, IEnumerable<EnumDescriptor> enums)
    {
        foreach (var declared in enums)
        {
            _symbols.TryAdd(declared.FullName, file);
            // In protobuf's scoping (that of C++) the values of an enum are siblings of the enum, not its children.
            string scope = declared.FullName[..^declared.Name.Length];
            foreach (var value in declared.Values)
                _symbols.TryAdd(scope + value.Name, file);
        }
    }

    private void AddExtensions(FileDescriptor file, ExtensionCollection extensions)
    {
        foreach (var extension in extensions.UnorderedExtensions)
        {
            _symbols.TryAdd(extension.FullName, file);
            string extendee = extension.ExtendeeType.FullName;
            if (!_extensions.TryGetValue(extendee, out var numbers))
                _extensions.Add(extendee, numbers = []);
            numbers.TryAdd(extension.FieldNumber, file);
        }
    }
}
