using System.Runtime.InteropServices;

namespace KernelBypass.Dpdk.Tests;

[Collection(EalCollection.Name)]
public sealed unsafe class PacketPathTests(EalFixture eal)
{
    private const int Burst = 32;

    [Fact]
    public void Null_port_delivers_and_takes_bursts_and_counts_them()
    {
        using Port port = eal.StartPort(eal.NewName("net_null") + ",size=128");
        Mbuf* packets = stackalloc Mbuf[Burst];

        ushort received = Port.RxBurst(port.Id, 0, packets, Burst);
        Assert.Equal(Burst, received);
        for (int i = 0; i < received; i++)
        {
            Assert.Equal(128u, packets[i].PacketLength);
            Assert.Equal(128, packets[i].DataLength);
            Assert.Equal(port.Id, packets[i].PortId);
            Assert.Null(packets[i].Check());
        }

        Assert.Equal(Burst, Port.TxBurst(port.Id, 0, packets, received));
        port.GetStats(out PortStats stats);
        Assert.Equal((ulong)Burst, stats.RxPackets);
        Assert.Equal((ulong)Burst, stats.TxPackets);
    }

    [Fact]
    public void Rx_to_tx_allocates_nothing()
    {
        using Port source = eal.StartPort(eal.NewName("net_null") + ",size=64");
        using Port loop = eal.StartPort(eal.NewName("net_ring"));
        Forward(source, loop, 2000);
        Thread.Sleep(50);

        long before = GC.GetAllocatedBytesForCurrentThread();
        ulong forwarded = Forward(source, loop, 2000);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
        Assert.Equal(2000ul * Burst, forwarded);
    }

    [Fact]
    public void A_lcore_runs_an_unmanaged_callers_function_and_returns_its_result()
    {
        using Port port = eal.StartPort(eal.NewName("net_null"));
        var work = new Work { Port = port.Id };

        uint lcore = Lcore.Workers[0];
        Lcore.Launch(lcore, &PollOnLcore, &work);
        Assert.Equal(7, Lcore.Wait(lcore));

        Assert.Equal(LcoreState.Waiting, Lcore.GetState(lcore));
        Assert.Equal(lcore, work.Lcore);
        Assert.Equal(100ul * Burst, work.Packets);
        Assert.Equal(Lcore.Any, Lcore.Current);
        Assert.Equal(Lcore.Main, eal.Eal.Invoke(() => Lcore.Current));
    }

    [Fact]
    public void A_busy_lcore_and_the_main_one_are_refused()
    {
        var work = new Work();
        uint lcore = Lcore.Workers[0];
        Lcore.Launch(lcore, &WaitForStop, &work);
        try
        {
            DpdkException busy = Assert.Throws<DpdkException>(() => LaunchPoll(lcore));
            Assert.Contains("is running another function", busy.Message, StringComparison.Ordinal);
            Assert.Equal(LcoreState.Running, Lcore.GetState(lcore));
            Assert.Throws<DpdkException>(() => LaunchPoll(Lcore.Main));
            Assert.Throws<DpdkException>(() => LaunchPoll(100_000));
        }
        finally
        {
            Volatile.Write(ref work.Stop, 1);
            Lcore.Wait(lcore);
        }
    }

    private static void LaunchPoll(uint lcore) => Lcore.Launch(lcore, &PollOnLcore, null);

    private static ulong Forward(Port source, Port loop, int bursts)
    {
        Mbuf* packets = stackalloc Mbuf[Burst];
        ulong forwarded = 0;
        for (int i = 0; i < bursts; i++)
        {
            ushort count = Port.RxBurst(source.Id, 0, packets, Burst);
            ushort sent = Port.TxBurst(loop.Id, 0, packets, count);
            Mbuf.FreeBulk(packets + sent, (uint)(count - sent));
            count = Port.RxBurst(loop.Id, 0, packets, Burst);
            forwarded += Port.TxBurst(source.Id, 0, packets, count);
        }

        return forwarded;
    }

    [UnmanagedCallersOnly]
    private static int PollOnLcore(void* argument)
    {
        var work = (Work*)argument;
        Mbuf* packets = stackalloc Mbuf[Burst];
        for (int i = 0; i < 100; i++)
        {
            ushort count = Port.RxBurst(work->Port, 0, packets, Burst);
            work->Packets += Port.TxBurst(work->Port, 0, packets, count);
        }

        work->Lcore = Lcore.Current;
        return 7;
    }

    [UnmanagedCallersOnly]
    private static int WaitForStop(void* argument)
    {
        var work = (Work*)argument;
        while (Volatile.Read(ref work->Stop) == 0)
            Thread.Sleep(1);
        return 0;
    }

    private struct Work
    {
        public ushort Port;
        public uint Lcore;
        public ulong Packets;
        public int Stop;
    }
}
