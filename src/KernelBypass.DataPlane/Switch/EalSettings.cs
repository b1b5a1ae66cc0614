using KernelBypass.DataPlane.Configuration;
using KernelBypass.Dpdk;

namespace KernelBypass.DataPlane.Switch;

/// <summary>From the configuration's eal section to EAL's options.</summary>
internal static class EalSettings
{
    internal static EalOptions From(EalConfig eal, LoggingConfig logging) => new()
    {
        Lcores = eal.Lcores,
        MainLcore = (uint)eal.MainLcore,
        NoHuge = !eal.Hugepages,
        MemoryMegabytes = eal.MemoryMb == 0 ? null : (uint)eal.MemoryMb,
        FilePrefix = eal.FilePrefix.Length == 0 ? null : eal.FilePrefix,
        NoPci = eal.PciAllow.Count == 0,
        AllowPci = eal.PciAllow,
        Vdevs = eal.Vdevs,
        IovaMode = eal.IovaMode switch
        {
            "va" => IovaMode.Virtual,
            "pa" => IovaMode.Physical,
            _ => IovaMode.Auto,
        },
        LogLevel = logging.Level is "trace" or "debug" ? DpdkLogLevel.Debug : DpdkLogLevel.Info,
    };
}
