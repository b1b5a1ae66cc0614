using System.Net.NetworkInformation;

namespace KernelBypass.Dpdk.Tests;

[Collection(EalCollection.Name)]
public sealed unsafe class PortTests(EalFixture eal)
{
    [Fact]
    public void Offloads_that_the_device_lacks_are_named_missing()
    {
        using Port port = Port.Attach(eal.NewName("net_ring"));
        PortOffload wanted =
            PortOffload.Checksums | PortOffload.TxVlanInsert | PortOffload.TxMultiSegments | PortOffload.RxRssHash;
        PortOffload has = port.GetInfo().Offloads;

        PortConfiguration made = port.Configure(new PortOptions { Mempools = [eal.Pool], Offloads = wanted });

        Assert.Equal(wanted, made.Offloads.Requested);
        Assert.Equal(wanted & has, made.Offloads.Granted);
        Assert.Equal(wanted & ~has, made.Offloads.Missing);
        Assert.True(made.Offloads.Missing.HasFlag(PortOffload.TxTcpChecksum));
        Assert.True(made.Offloads.Granted.HasFlag(PortOffload.TxMultiSegments));
    }

    [Fact]
    public void A_jumbo_frame_of_many_segments_passes_net_ring()
    {
        using Port port = eal.StartPort(
            eal.NewName("net_ring"), o => o with { Mtu = 9000, Offloads = PortOffload.TxMultiSegments });
        Assert.Equal(9000, port.Configuration!.Mtu);
        Assert.True(port.Configuration.Offloads.Requested.HasFlag(PortOffload.RxScatter));
        byte[] frame = Traffic.Frame(9014, 7);

        Mbuf packet = Traffic.Packet(eal.Pool, frame);
        Assert.Equal(5, packet.SegmentCount);
        Assert.Null(packet.Check());
        Assert.Equal(1, Port.TxBurst(port.Id, 0, &packet, 1));

        Assert.True(Traffic.Receive(port, frame));
    }

    [Fact]
    public void A_jumbo_frame_from_a_pcap_arrives_in_segments()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{eal.NewName("kbjumbo")}-{Environment.ProcessId}.pcap");
        byte[] frame = Traffic.Frame(9014, 9);
        PcapFile.Write(path, frame);
        try
        {
            using Port port = eal.StartPort($"{eal.NewName("net_pcap")},rx_pcap={path}", o => o with { Mtu = 9000 });
            Mbuf packet;
            Assert.Equal(1, Port.RxBurst(port.Id, 0, &packet, 1));
            Assert.Equal(5, packet.SegmentCount);
            Assert.Equal(frame, Traffic.Bytes(packet));
            packet.Free();
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_port_is_detached_and_attached_again_while_another_runs()
    {
        using Port running = eal.StartPort(eal.NewName("net_null"));
        var stop = new CancellationTokenSource();
        ulong packets = 0;
        var poller = new Thread(() => packets = Poll(running, stop.Token));
        poller.Start();
        string device = eal.NewName("net_ring");
        try
        {
            for (int i = 0; i < 5; i++)
            {
                Port other = eal.StartPort(device);
                Traffic.Send(other, eal.Pool, Traffic.Frame(60, 3));
                Assert.True(Traffic.Receive(other, Traffic.Frame(60, 3)));
                other.Detach();
                Assert.Equal(PortState.Closed, other.State);
                Assert.DoesNotContain(Port.Enumerate(), p => p.Name == device);
            }
        }
        finally
        {
            stop.Cancel();
            poller.Join();
        }

        Assert.True(packets > 0);
        running.GetStats(out PortStats stats);
        Assert.Equal(packets, stats.RxPackets);
    }

    [Fact]
    public void Rss_key_hash_and_table_are_set_and_read_back()
    {
        using Port port = Port.Attach(eal.NewName("net_null"));
        PortInfo info = port.GetInfo();
        ushort[] table = [.. Enumerable.Range(0, info.RetaSize).Select(i => (ushort)(i % 3))];
        byte[] key = [.. Enumerable.Range(1, (int)info.HashKeySize).Select(i => (byte)i)];
        var rss = new RssOptions { Hash = RssHash.FiveTuple, Key = key, RedirectionTable = table };

        ushort queues = Math.Min(info.MaxRxQueues, (ushort)4);
        PortConfiguration made = port.Configure(
            new PortOptions { Mempools = [eal.Pool], RxQueues = queues, TxQueues = queues, Rss = rss });
        port.Start();

        Assert.Equal(RssHash.FiveTuple & info.RssHash, made.RssHash);
        Assert.Equal(table, port.GetRedirectionTable());
        Assert.Equal(key, port.GetRss().Key);
        Array.Reverse(table);
        port.SetRedirectionTable(table);
        Assert.Equal(table, port.GetRedirectionTable());
    }

    [Fact]
    public void Options_beyond_the_device_are_refused_with_its_limit()
    {
        using Port port = Port.Attach(eal.NewName("net_null"));
        var good = new PortOptions { Mempools = [eal.Pool] };
        PortInfo info = port.GetInfo();

        AssertRefused(port, good with { RxQueues = (ushort)(info.MaxRxQueues + 1) }, $"has 1 to {info.MaxRxQueues}");
        AssertRefused(port, good with { TxQueues = 0 }, "0 tx queues");
        AssertRefused(port, good with { Mtu = 9001 }, "to 9000");
        AssertRefused(port, good with { Mempools = [] }, "no mempool");
        AssertRefused(port, good with { Rss = new RssOptions { Key = new byte[3] } }, $"wants {info.HashKeySize}");
        AssertRefused(port, good with { Rss = new RssOptions { RedirectionTable = [0] } }, $"has {info.RetaSize}");
        PhysicalAddress multicast = PhysicalAddress.Parse("01-00-5E-00-00-01");
        Assert.Throws<ArgumentException>(() => port.Configure(good with { MacAddress = multicast }));
        Assert.Equal(PortState.Attached, port.State);
        Assert.Throws<InvalidOperationException>(port.Start);
    }

    [Theory]
    [InlineData("net_absent0")]
    [InlineData("0000:ff:1f.7")]
    [InlineData("net_af_packet9,iface=kbnothere")]
    public void A_device_that_is_not_there_cannot_be_attached(string device)
    {
        DpdkException refusal = Assert.Throws<DpdkException>(() => Port.Attach(device));
        Assert.Contains(device, refusal.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, refusal.Errno);
    }

    [Fact]
    public void A_device_cannot_be_attached_twice()
    {
        string device = eal.NewName("net_null");
        using Port port = Port.Attach(device);
        DpdkException refusal = Assert.Throws<DpdkException>(() => Port.Attach(device));
        Assert.Contains("attached already", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mac_address_and_link_are_set_and_told()
    {
        using Port port = Port.Attach(eal.NewName("net_null"));
        PhysicalAddress mac = PhysicalAddress.Parse("02-11-22-33-44-55");
        port.Configure(new PortOptions { Mempools = [eal.Pool], MacAddress = mac });
        port.Start();
        Assert.Equal(mac, port.GetInfo().MacAddress);
        Assert.True(port.GetLink().IsUp);
        port.Stop();
        Assert.False(port.GetLink().IsUp);
    }

    [Fact]
    public void Statistics_are_read_without_allocation()
    {
        using Port port = eal.StartPort(eal.NewName("net_null"));
        Traffic.Send(port, eal.Pool, Traffic.Frame(60, 1));
        PortXstats xstats = port.GetXstats();
        ulong[] values = new ulong[xstats.Names.Count];
        var queues = new QueueStats[1];
        ReadAll(port, xstats, values, queues, out _);

        long before = GC.GetAllocatedBytesForCurrentThread();
        ReadAll(port, xstats, values, queues, out PortStats stats);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        Assert.Equal(1ul, stats.TxPackets);
        Assert.Equal(1ul, queues[0].TxPackets);
        Assert.Equal(1ul, values[xstats.Names.ToList().IndexOf("tx_good_packets")]);
        Assert.Throws<ArgumentException>(() => xstats.Read([]));
        port.ResetStats();
        port.GetStats(out stats);
        Assert.Equal(0ul, stats.TxPackets);
    }

    private static void ReadAll(Port port, PortXstats xstats, ulong[] values, QueueStats[] queues, out PortStats stats)
    {
        xstats.Read(values);
        port.GetQueueStats(queues);
        port.GetStats(out stats);
    }

    private static ulong Poll(Port port, CancellationToken stop)
    {
        Mbuf* packets = stackalloc Mbuf[32];
        ulong total = 0;
        while (!stop.IsCancellationRequested || total == 0)
        {
            ushort count = Port.RxBurst(port.Id, 0, packets, 32);
            Mbuf.FreeBulk(packets, count);
            total += count;
        }

        return total;
    }

    private static void AssertRefused(Port port, PortOptions options, string reason)
    {
        DpdkException refusal = Assert.Throws<DpdkException>(() => port.Configure(options));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(port.Name, refusal.Message, StringComparison.Ordinal);
    }
}
