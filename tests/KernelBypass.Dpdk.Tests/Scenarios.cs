using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Tests;

/// <summary>What children do; a failure is an exception.</summary>
internal static class Scenarios
{
    internal static readonly IReadOnlyDictionary<string, Action<string[]>> All = new Dictionary<string, Action<string[]>>
    {
        ["init"] = Init,
        ["init-twice"] = InitTwice,
        ["cleanup"] = Cleanup,
        ["hold"] = Hold,
        ["hold-and-sweep"] = HoldAndSweep,
        ["no-allocation"] = ForwardingScenario.Run,
        ["bad-handler"] = BadHandler,
        ["affinity"] = Affinity,
        ["without-root"] = WithoutRoot,
        ["dispose-while-running"] = DisposeWhileRunning,
    };

    internal static EalOptions Plain => new() { Lcores = "0@0", NoHuge = true, NoPci = true, MemoryMegabytes = 64 };

    /// <summary>Starts EAL with options given as name=value.</summary>
    private static void Init(string[] arguments)
    {
        EalOptions options = Plain;
        foreach (string argument in arguments)
        {
            string[] pair = argument.Split('=', 2);
            options = pair[0] switch
            {
                "prefix" => options with { FilePrefix = pair[1] },
                "lcores" => options with { Lcores = pair[1] },
                "vdev" => options with { Vdevs = [pair[1]] },
                "extra" => options with { ExtraArguments = [pair[1]] },
                "memory" => options with { MemoryMegabytes = uint.Parse(pair[1]) },
                "huge" => options with { NoHuge = false, InMemory = pair[1] == "memory" },
                _ => throw new ArgumentException(argument),
            };
        }

        using Eal eal = Eal.Initialize(options, _ => { });
        Console.WriteLine($"up {eal.Options.EffectiveFilePrefix}");
    }

    private static void InitTwice(string[] arguments)
    {
        Eal.Initialize(Plain, _ => { }).Dispose();
        Eal.Initialize(Plain, _ => { });
    }

    /// <summary>Prints the directory while EAL runs, and leaves nothing.</summary>
    private static void Cleanup(string[] arguments)
    {
        var options = new EalOptions { Lcores = "0@0", NoHuge = true, NoPci = true, MemoryMegabytes = 64, Telemetry = true };
        Eal eal = Eal.Initialize(options, _ => { });
        string directory = EalRuntimeDirectory.Of(options);
        Console.WriteLine($"{directory} {Directory.Exists(directory)}");
        eal.Dispose();
        Console.WriteLine($"{directory} {Directory.Exists(directory)}");
    }

    /// <summary>Holds a prefix while another child asks for it.</summary>
    private static void Hold(string[] arguments)
    {
        using Eal eal = Eal.Initialize(Plain with { FilePrefix = arguments[0] }, _ => { });
        (int code, string output) = ChildProcess.Run("init", $"prefix={arguments[0]}");
        Console.WriteLine($"{code} {output}");
    }

    /// <summary>Holds a prefix of no living process's number while another child starts and sweeps.</summary>
    private static void HoldAndSweep(string[] arguments)
    {
        using Eal eal = Eal.Initialize(Plain with { FilePrefix = arguments[0] }, _ => { });
        (int code, string output) = ChildProcess.Run("init");
        Expect(code == 0, output);
        Expect(Directory.Exists(EalRuntimeDirectory.Of(eal.Options)), "the directory was swept");
    }

    private static void BadHandler(string[] arguments) =>
        Eal.Initialize(Plain, _ => throw new IOException("No space left on device")).Dispose();

    private static void Affinity(string[] arguments)
    {
        IReadOnlyList<int> before = CpuAffinity.GetCurrentThread();
        int cpu = before[^1];
        using Eal eal = Eal.Initialize(Plain with { Lcores = $"0@{cpu}" }, _ => { });
        Expect(eal.Invoke(CpuAffinity.GetCurrentThread).SequenceEqual([cpu]), "the main lcore is not pinned");
        Expect(CpuAffinity.GetCurrentThread().SequenceEqual(before), "the calling thread was pinned");
        IReadOnlyList<int> fresh = [];
        var thread = new Thread(() => fresh = CpuAffinity.GetCurrentThread());
        thread.Start();
        thread.Join();
        Expect(fresh.SequenceEqual(before), "a new thread was pinned");
    }

    /// <summary>Gives root away, then passes packets over what needs none.</summary>
    private static unsafe void WithoutRoot(string[] arguments)
    {
        const int Nobody = 65534;
        LayoutVerifier.Verify(); // loads the library: the tree may not be nobody's to read
        Expect(Identity.setresuid(Nobody, Nobody, Nobody) == 0 && Identity.geteuid() == Nobody, "setresuid");
        using Eal eal = Eal.Initialize(Plain, _ => { });
        Expect(EalRuntimeDirectory.Of(eal.Options).StartsWith(arguments[0], StringComparison.Ordinal), "run-time directory");
        using Mempool pool = Mempool.Create(new MempoolOptions { Name = "nobody", Count = 4095 });
        string pcap = $"net_pcap0,rx_pcap={arguments[1]},tx_pcap=/dev/null,infinite_rx=1";
        foreach (string device in new[] { "net_null0", "net_ring0", pcap })
        {
            using Port port = Port.Attach(device);
            port.Configure(new PortOptions { Mempools = [pool] });
            port.Start();
            Mbuf packet = pool.Allocate();
            packet.Append(60);
            Expect(Port.TxBurst(port.Id, 0, &packet, 1) == 1, $"{device} takes a packet");
            Expect(Port.RxBurst(port.Id, 0, &packet, 1) == 1, $"{device} gives a packet");
            packet.Free();
        }
    }

    private static unsafe void DisposeWhileRunning(string[] arguments)
    {
        Eal eal = Eal.Initialize(Plain with { Lcores = "0@0,1@0" }, _ => { });
        int stop = 0;
        Lcore.Launch(1, &RunUntil, &stop);
        try
        {
            eal.Dispose();
        }
        catch (InvalidOperationException e)
        {
            Console.WriteLine(e.Message);
        }

        Volatile.Write(ref stop, 1);
        Lcore.Wait(1);
        eal.Dispose();
    }

    [UnmanagedCallersOnly]
    private static unsafe int RunUntil(void* stop)
    {
        while (Volatile.Read(ref *(int*)stop) == 0)
            Thread.Sleep(1);
        return 0;
    }

    internal static void Expect(bool condition, string failure)
    {
        if (!condition)
            throw new InvalidOperationException(failure);
    }
}

internal static class Identity
{
    [DllImport("libc")]
    internal static extern int setresuid(uint real, uint effective, uint saved);

    [DllImport("libc")]
    internal static extern uint geteuid();
}
