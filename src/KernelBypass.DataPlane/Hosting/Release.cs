using System.Reflection;

namespace KernelBypass.DataPlane.Hosting;

/// <summary>What this process is.</summary>
internal static class Release
{
    /// <summary>The release.</summary>
    internal static string Version { get; } =
        typeof(Release)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    /// <summary>DPDK's own name and version, as it runs.</summary>
    internal static string DpdkVersion { get; } = Native.DpdkVersionNative.Read();
}
