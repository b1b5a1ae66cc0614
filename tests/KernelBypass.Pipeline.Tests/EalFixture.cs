using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Tests;

/// <summary>
/// The one EAL of the test process: no root, no hugepages, no PCI; four worker lcores that share the first two CPUs.
/// </summary>
public sealed class EalFixture : IDisposable
{
    private static readonly int s_otherCpu = Math.Min(1, Environment.ProcessorCount - 1);

    private int _names;

    public EalFixture()
    {
        Eal = Eal.Initialize(new EalOptions
        {
            Lcores = $"0@(0-{s_otherCpu}),1@{s_otherCpu},2@0,3@{s_otherCpu},4@0",
            NoHuge = true,
            NoPci = true,
            MemoryMegabytes = 512,
            PinMainLcore = false,
            LogLevel = DpdkLogLevel.Warning,
        });
        Pool = Mempool.Create(new MempoolOptions { Name = "test", Count = 8191, CacheSize = 64, PrivateSize = PacketMeta.Size });
    }

    public Eal Eal { get; }

    /// <summary>Mbufs with room for a <see cref="PacketMeta"/>.</summary>
    public Mempool Pool { get; }

    /// <summary>A device name that no other test uses: <c>net_ring7</c>.</summary>
    public string NewDevice(string driver) => $"{driver}{Interlocked.Increment(ref _names)}";

    public void Dispose()
    {
        foreach (var port in Port.Enumerate()) port.Detach();
        Pool.Dispose();
        Eal.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class EalCollection : ICollectionFixture<EalFixture>
{
    public const string Name = "EAL";
}
