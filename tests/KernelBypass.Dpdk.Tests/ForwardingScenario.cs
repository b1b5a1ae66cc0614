using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Tests;

/// <summary>A worker lcore forwards between two ports while the process idles otherwise: nobody allocates a byte.</summary>
internal static unsafe class ForwardingScenario
{
    private const int Burst = 32;

    internal static void Run(string[] arguments)
    {
        using Eal eal = Eal.Initialize(Scenarios.Plain with { Lcores = "0@0,1@0" }, _ => { });
        using Mempool pool = Mempool.Create(new MempoolOptions { Name = "forward", Count = 8191 });
        using Port source = Start("net_null0,size=64", pool);
        using Port sink = Start("net_ring0", pool);
        var work = new Work { Source = source.Id, Sink = sink.Id };
        Lcore.Launch(1, &Forward, &work);
        // Links are polled, statistics read and the loop compiled meanwhile.
        Thread.Sleep(700);
        ReadStatistics(source, sink);

        long before = GC.GetTotalAllocatedBytes(precise: true);
        int collections = GC.CollectionCount(0);
        for (int i = 0; i < 10; i++)
        {
            Thread.Sleep(100);
            ReadStatistics(source, sink);
        }

        long allocated = GC.GetTotalAllocatedBytes(precise: true) - before;
        Volatile.Write(ref work.Stop, 1);
        Scenarios.Expect(Lcore.Wait(1) == 0, "the lcore's result");
        Scenarios.Expect(work.Forwarded > 0, "nothing was forwarded");
        Scenarios.Expect(allocated == 0, $"{allocated} bytes were allocated");
        Scenarios.Expect(GC.CollectionCount(0) == collections, "a collection ran");
    }

    private static Port Start(string device, Mempool pool)
    {
        Port port = Port.Attach(device);
        port.Configure(new PortOptions { Mempools = [pool] });
        port.Start();
        return port;
    }

    private static void ReadStatistics(Port source, Port sink)
    {
        source.GetStats(out _);
        sink.GetStats(out _);
        _ = sink.GetLink();
    }

    [UnmanagedCallersOnly]
    private static int Forward(void* argument)
    {
        var work = (Work*)argument;
        while (Volatile.Read(ref work->Stop) == 0)
            ForwardBurst(work);
        return 0;
    }

    private static void ForwardBurst(Work* work)
    {
        Mbuf* packets = stackalloc Mbuf[Burst];
        ushort received = Port.RxBurst(work->Source, 0, packets, Burst);
        ushort sent = Port.TxBurst(work->Sink, 0, packets, received);
        Mbuf.FreeBulk(packets + sent, (uint)(received - sent));
        received = Port.RxBurst(work->Sink, 0, packets, Burst);
        work->Forwarded += Port.TxBurst(work->Source, 0, packets, received);
    }

    private struct Work
    {
        public ushort Source;
        public ushort Sink;
        public ulong Forwarded;
        public int Stop;
    }
}
