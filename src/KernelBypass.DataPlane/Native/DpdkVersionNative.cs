using System.Runtime.InteropServices;

namespace KernelBypass.DataPlane.Native;

/// <summary>DPDK's own name and version, from the library that runs.</summary>
internal static unsafe class DpdkVersionNative
{
    /// <summary>As rte_version() gives it, "DPDK 22.11.5"; "unknown" when the shim cannot be loaded.</summary>
    internal static string Read()
    {
        var shim = Path.Combine(AppContext.BaseDirectory, "libkbdpdk.so");
        if (!NativeLibrary.TryLoad(shim, out var library)
            || !NativeLibrary.TryGetExport(library, "rte_version", out var symbol)) return "unknown";
        return Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)symbol)()) ?? "unknown";
    }
}
