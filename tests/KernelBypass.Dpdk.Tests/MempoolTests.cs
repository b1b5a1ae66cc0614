namespace KernelBypass.Dpdk.Tests;

[Collection(EalCollection.Name)]
public sealed unsafe class MempoolTests(EalFixture eal)
{
    [Fact]
    public void Exhaustion_is_seen_and_counted_and_ends_when_packets_return()
    {
        using Mempool pool = Mempool.Create(new MempoolOptions { Name = eal.NewName("small"), Count = 64, CacheSize = 0 });
        Assert.Equal(64u, pool.Count);
        Assert.Equal(64u, pool.AvailableCount);
        Mbuf* packets = stackalloc Mbuf[64];

        Assert.True(pool.AllocateBulk(packets, 64));
        Assert.Equal(64u, pool.InUseCount);
        Assert.True(pool.Allocate().IsNull);
        Mbuf one;
        Assert.False(pool.AllocateBulk(&one, 1));
        Assert.Equal(2, pool.AllocationFailures);

        Mbuf.FreeBulk(packets, 64);
        Assert.Equal(64u, pool.AvailableCount);
        Mbuf again = pool.Allocate();
        Assert.False(again.IsNull);
        again.Free();
        Assert.Equal(2, pool.AllocationFailures);
    }

    [Fact]
    public void A_port_counts_what_its_pool_could_not_give()
    {
        // net_pcap allocates one mbuf a packet, and counts those it does not get.
        string path = Path.Combine(Path.GetTempPath(), $"{eal.NewName("kbempty")}-{Environment.ProcessId}.pcap");
        PcapFile.Write(path, [.. Enumerable.Repeat(Traffic.Frame(60, 1), 8)]);
        try
        {
            using Mempool pool = Mempool.Create(new MempoolOptions { Name = eal.NewName("tiny"), Count = 4, CacheSize = 0 });
            using Port port = eal.StartPort($"{eal.NewName("net_pcap")},rx_pcap={path}", o => o with { Mempools = [pool] });
            Mbuf* packets = stackalloc Mbuf[8];

            Assert.Equal(4, Port.RxBurst(port.Id, 0, packets, 8));
            port.GetStats(out PortStats stats);
            Assert.Equal(1ul, stats.RxNoMbuf);
            Mbuf.FreeBulk(packets, 4);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_private_area_lies_behind_the_struct()
    {
        Mbuf packet = eal.Pool.Allocate();
        Assert.Equal(64, packet.Pointer->priv_size);
        packet.Private<ulong>() = 0x1122334455667788;
        Assert.Equal(0x1122334455667788ul, *(ulong*)packet.PrivateArea);
        Assert.Equal((nint)packet.Pointer + 128, (nint)packet.PrivateArea);
        Assert.Equal((nint)packet.Pointer + 128 + 64, (nint)packet.Pointer->buf_addr);
        Assert.Equal((nint)eal.Pool.Pointer, (nint)packet.Pointer->pool);
        packet.Free();
    }

    [Fact]
    public void Mbufs_lie_one_behind_the_other()
    {
        // net_af_xdp relies on it, and a page each would make them all compete for the same cache sets.
        using Mempool pool = Mempool.Create(new MempoolOptions { Name = eal.NewName("dense"), Count = 1024, CacheSize = 0 });
        Mbuf* packets = stackalloc Mbuf[1024];
        Assert.Equal(1u, pool.MemoryChunks);
        Assert.True(pool.AllocateBulk(packets, 1024));
        nint[] addresses = [.. Enumerable.Range(0, 1024).Select(i => AddressOf(packets, i)).Order()];
        long stride = addresses[1] - addresses[0];
        Assert.InRange(stride, 128 + 2176, 128 + 2176 + 256);
        for (int i = 1; i < addresses.Length; i++)
            Assert.Equal(stride, addresses[i] - addresses[i - 1]);
        Mbuf.FreeBulk(packets, 1024);
    }

    [Fact]
    public void What_cannot_be_made_is_refused_with_the_reason()
    {
        var good = new MempoolOptions { Name = eal.NewName("bad"), Count = 64, CacheSize = 0 };
        Assert.Contains("multiple of 8", Refusal<ArgumentException>(good with { PrivateSize = 4 }), StringComparison.Ordinal);
        Assert.Contains("too large", Refusal<ArgumentException>(good with { CacheSize = 60 }), StringComparison.Ordinal);
        Assert.Contains("MB", Refusal<DpdkException>(good with { Count = 10_000_000 }), StringComparison.Ordinal);
        Assert.Contains("at most 25", Refusal<DpdkException>(good with { Name = new string('x', 40) }), StringComparison.Ordinal);
        Assert.Contains("another name", Refusal<DpdkException>(good with { Name = "test" }), StringComparison.Ordinal);
    }

    private static nint AddressOf(Mbuf* packets, int index) => (nint)packets[index].Pointer;

    private static string Refusal<T>(MempoolOptions options)
        where T : Exception => Assert.Throws<T>(() => Mempool.Create(options)).Message;
}
