using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace KernelBypass.Dpdk.Native;

/// <summary>libkbdpdk's functions, and how the library is found.</summary>
internal static unsafe partial class Kb
{
    /// <summary>The ABI of native/include/kbdpdk.h that this assembly speaks.</summary>
    internal const uint AbiVersion = 2;

    internal const string DirectoryVariable = "KERNELBYPASS_NATIVE_DIR";

    private const string Library = "kbdpdk";
    private const string FileName = "libkbdpdk.so";

    // The resolver must be there before the first P/Invoke, and a static constructor would cost each of them a check.
#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void SetResolver() => NativeLibrary.SetDllImportResolver(typeof(Kb).Assembly, Resolve);
#pragma warning restore CA2255

    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    internal static string Text(byte* text, int capacity)
    {
        ReadOnlySpan<byte> bytes = new(text, capacity);
        int end = bytes.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    internal static byte[] Zero(string text)
    {
        byte[] bytes = new byte[System.Text.Encoding.UTF8.GetByteCount(text) + 1];
        System.Text.Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    internal static IEnumerable<string> CandidatePaths(string start, string? variable)
    {
        yield return Path.Combine(start, FileName);
        if (!string.IsNullOrEmpty(variable))
            yield return Path.Combine(variable, FileName);
        for (DirectoryInfo? directory = new(start); directory is not null; directory = directory.Parent)
            yield return Path.Combine(directory.FullName, "artifacts", "native", FileName);
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != Library)
            return 0;
        string? variable = Environment.GetEnvironmentVariable(DirectoryVariable);
        string[] candidates = [.. CandidatePaths(AppContext.BaseDirectory, variable)];
        foreach (string path in candidates)
        {
            if (File.Exists(path))
                return Load(path);
        }

        if (NativeLibrary.TryLoad(FileName, out nint handle))
            return handle;
        throw new DllNotFoundException(
            $"{FileName} was not found in {string.Join(", ", candidates)}, nor by the system's loader. " +
            $"Build it with native/build.sh, or set {DirectoryVariable} to its directory.");
    }

    private static nint Load(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (DllNotFoundException e)
        {
            throw new DllNotFoundException(
                $"{path} cannot be loaded: {e.Message} Install DPDK's libraries (Debian: apt-get install dpdk), of the version " +
                "that it was built against, or build it again with native/build.sh.", e);
        }
    }
}
