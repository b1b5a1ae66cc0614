using System.Collections.Concurrent;

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace KernelBypass.Dpdk.Tests;

/// <summary>The one EAL of the test process: no root, no hugepages, no PCI.</summary>
public sealed class EalFixture : IDisposable
{
    private int _names;

    public EalFixture()
    {
        Eal = Eal.Initialize(
            new EalOptions { Lcores = "0@0,1@0", NoHuge = true, NoPci = true, MemoryMegabytes = 384 }, Log.Enqueue);
        Pool = Mempool.Create(new MempoolOptions { Name = "test", Count = 16383, PrivateSize = 64 });
    }

    public Eal Eal { get; }

    public ConcurrentQueue<DpdkLogEntry> Log { get; } = new();

    public Mempool Pool { get; }

    /// <summary>A name that no other test uses.</summary>
    public string NewName(string stem) => $"{stem}{Interlocked.Increment(ref _names)}";

    /// <summary>A name for a kernel interface (at most 15 characters) that no other test and no other run uses.</summary>
    public string NewInterface() => $"kb{Environment.ProcessId:x}t{Interlocked.Increment(ref _names)}";

    /// <summary>A started port with one queue pair, or as <paramref name="change"/> says.</summary>
    public Port StartPort(string device, Func<PortOptions, PortOptions>? change = null)
    {
        Port port = Port.Attach(device);
        try
        {
            var options = new PortOptions { Mempools = [Pool] };
            port.Configure(change?.Invoke(options) ?? options);
            port.Start();
            return port;
        }
        catch
        {
            port.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (Port port in Port.Enumerate())
            port.Detach();
        Pool.Dispose();
        Eal.Dispose();
    }
}

[CollectionDefinition(Name)]
public sealed class EalCollection : ICollectionFixture<EalFixture>
{
    public const string Name = "EAL";
}
