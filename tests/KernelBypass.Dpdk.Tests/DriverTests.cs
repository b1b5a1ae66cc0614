namespace KernelBypass.Dpdk.Tests;

/// <summary>Every driver that the appliance names comes up and passes packets both ways. Needs root.</summary>
[Collection(EalCollection.Name)]
public sealed class DriverTests(EalFixture eal) : IDisposable
{
    private const int Turn = 1024;

    private static readonly byte[] s_there = Traffic.Frame(100, 1);
    private static readonly byte[] s_back = Traffic.Frame(200, 2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("kbdpdk");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Net_pcap_reads_a_file_again_and_again_and_writes_one()
    {
        string input = Path.Combine(_directory.FullName, "in.pcap");
        string output = Path.Combine(_directory.FullName, "out.pcap");
        PcapFile.Write(input, s_there, s_back);
        using (Port port = eal.StartPort($"{eal.NewName("net_pcap")},rx_pcap={input},tx_pcap={output},infinite_rx=1"))
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.True(Traffic.Receive(port, s_there));
                Assert.True(Traffic.Receive(port, s_back));
            }

            Traffic.Send(port, eal.Pool, s_back);
            Traffic.Send(port, eal.Pool, s_there);
        }

        Assert.Equal([s_back, s_there], PcapFile.Read(output));
    }

    [Fact]
    public void Net_pcap_on_an_interface()
    {
        using var veth = new VethPair(eal.NewInterface());
        VethPair.Ip("link", "set", veth.A, "mtu", "9000");
        VethPair.Ip("link", "set", veth.B, "mtu", "9000");
        using Port port = eal.StartPort($"{eal.NewName("net_pcap")},iface={veth.A}", Jumbo);
        AssertKernelPasses(port, veth.B);
        using var kernel = new PacketSocket(veth.B);
        byte[] jumbo = Traffic.Frame(9014, 3);
        Traffic.Send(port, eal.Pool, jumbo);
        Assert.True(Traffic.Until(() => kernel.Received(jumbo)));
        Assert.True(Traffic.Receive(port, jumbo, () => kernel.Send(jumbo)));
    }

    [Fact]
    public void Net_tap()
    {
        string tap = eal.NewInterface();
        using Port port = eal.StartPort($"{eal.NewName("net_tap")},iface={tap}");
        AssertKernelPasses(port, tap);
        Assert.Equal((uint)PacketSocket.IndexOf(tap), port.GetInfo().InterfaceIndex);
    }

    [Fact]
    public void Net_af_packet()
    {
        using var veth = new VethPair(eal.NewInterface());
        using Port port = eal.StartPort($"{eal.NewName("net_af_packet")},iface={veth.A}");
        AssertKernelPasses(port, veth.B);
    }

    [Fact]
    public void Net_af_xdp()
    {
        using var veth = new VethPair(eal.NewInterface());
        using Port port = eal.StartPort($"{eal.NewName("net_af_xdp")},iface={veth.A}");
        AssertKernelPasses(port, veth.B);
        // The kernel shares the pool's memory: mbufs from all over it take their turn.
        for (uint turned = 0; turned < eal.Pool.Count; turned += Turn)
        {
            TurnPool();
            AssertKernelPasses(port, veth.B);
        }
    }

    [Fact]
    public void Net_memif()
    {
        string socket = Path.Combine(_directory.FullName, "memif");
        using Port server = eal.StartPort($"{eal.NewName("net_memif")},role=server,socket={socket},socket-abstract=no");
        using Port client = eal.StartPort($"{eal.NewName("net_memif")},role=client,socket={socket},socket-abstract=no");
        AssertPairPasses(server, client);
    }

    [Fact]
    public void Net_vhost_and_net_virtio_user()
    {
        string socket = Path.Combine(_directory.FullName, "vhost");
        using Port vhost = eal.StartPort($"{eal.NewName("net_vhost")},iface={socket}", Jumbo);
        using Port virtio = eal.StartPort($"{eal.NewName("net_virtio_user")},path={socket}", Jumbo);
        AssertPairPasses(vhost, virtio);
        byte[] jumbo = Traffic.Frame(9014, 3);
        AssertPasses(vhost, virtio, jumbo);
        AssertPasses(virtio, vhost, jumbo);
    }

    [Fact]
    public void An_mtu_beyond_the_driver_is_refused_with_its_limit()
    {
        // net_tap of DPDK 22.11 promises frames of 1,522 bytes at most, later ones more than we do.
        using Port port = Port.Attach($"{eal.NewName("net_tap")},iface={eal.NewInterface()}");
        ushort most = Math.Min(Port.MaxMtu, port.GetInfo().MaxMtu);
        Assert.InRange(most, 1500, Port.MaxMtu);
        DpdkException refusal = Assert.Throws<DpdkException>(
            () => port.Configure(new PortOptions { Mempools = [eal.Pool], Mtu = (ushort)(most + 1) }));
        Assert.Contains($"to {most}", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(most, port.Configure(new PortOptions { Mempools = [eal.Pool], Mtu = most }).Mtu);
    }

    // The pool is a FIFO on a thread that is no lcore.
    private unsafe void TurnPool()
    {
        Mbuf* packets = stackalloc Mbuf[Turn];
        Assert.True(eal.Pool.AllocateBulk(packets, Turn));
        Mbuf.FreeBulk(packets, Turn);
    }

    private static PortOptions Jumbo(PortOptions options) => options with { Mtu = 9000, Offloads = PortOffload.TxMultiSegments };

    private void AssertPairPasses(Port a, Port b)
    {
        Assert.True(Traffic.Until(() => a.GetLink().IsUp && b.GetLink().IsUp), "the link is down");
        AssertPasses(a, b, s_there);
        AssertPasses(b, a, s_back);
    }

    // Some drivers take a packet only once the receiver polled: it is the one that supplies the buffers.
    private void AssertPasses(Port from, Port to, byte[] frame)
    {
        bool sent = false;
        Assert.True(
            Traffic.Receive(to, frame, () => sent = sent || Traffic.TrySend(from, eal.Pool, frame)),
            $"nothing from {from.Driver} to {to.Driver}");
    }

    private void AssertKernelPasses(Port port, string interfaceName)
    {
        using var kernel = new PacketSocket(interfaceName);
        // Whoever attaches to an interface may miss its first frames: send until one is through.
        Assert.True(
            Traffic.Until(() => Traffic.TrySend(port, eal.Pool, s_there) && kernel.Received(s_there)),
            $"nothing from {port.Driver} to the kernel");
        Assert.True(Traffic.Receive(port, s_back, () => kernel.Send(s_back)), $"nothing from the kernel to {port.Driver}");
    }
}
