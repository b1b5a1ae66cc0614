using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;

namespace KernelBypass.Fuzz.Tests.Harness;

/// <summary>
/// The input that is being run, in a memory-mapped file: what is in it survives the death of the process at no cost per round.
/// <code> length (32, little-endian; all ones: none) | bytes </code>
/// </summary>
internal sealed class RunningInput : IDisposable
{
    private const int None = -1;
    private const int HeaderLength = 4;

    private readonly string _path;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    internal RunningInput(string path, int maxLength)
    {
        _path = path;
        if (File.Exists(path) && Read(path) is byte[] left && left.Length <= maxLength)
            Left = left;
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.Create, mapName: null, HeaderLength + maxLength);
        _view = _file.CreateViewAccessor();
        _view.Write(0, None);
    }

    /// <summary>The input that an earlier run died of, or null.</summary>
    internal byte[]? Left { get; }

    internal void Set(byte[] input)
    {
        _view.WriteArray(HeaderLength, input, 0, input.Length);
        _view.Write(0, input.Length);
    }

    /// <summary>The run is over: nothing is left for the next one.</summary>
    internal void Complete() => _view.Write(0, None);

    public void Dispose()
    {
        bool complete = _view.ReadInt32(0) == None;
        _view.Dispose();
        _file.Dispose();
        if (complete)
            File.Delete(_path);
    }

    private static byte[]? Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int length = bytes.Length < HeaderLength ? None : BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return length < 0 || length > bytes.Length - HeaderLength ? null : bytes.AsSpan(HeaderLength, length).ToArray();
    }
}
