using System.Collections.Concurrent;
using System.Diagnostics;

namespace KernelBypass.Dpdk.Tests;

/// <summary>Rx interrupts and port events, over devices whose other end is the kernel. Needs root.</summary>
[Collection(EalCollection.Name)]
public sealed class InterruptTests(EalFixture eal)
{
    [Fact]
    public void A_frame_ends_the_wait()
    {
        string tap = eal.NewInterface();
        using Port port = eal.StartPort($"{eal.NewName("net_tap")},iface={tap}", o => o with { RxInterrupts = true });
        using var kernel = new PacketSocket(tap);
        using var set = new RxInterruptSet();
        Assert.True(set.TryAdd(port, 0));
        byte[] frame = Traffic.Frame(80, 4);
        Assert.True(Traffic.Receive(port, frame, () => kernel.Send(frame)));
        DrainUntilQuiet(port, set);

        Assert.Equal(0, set.Arm());
        kernel.Send(frame);
        Assert.Equal(1, set.Wait(10_000));
        Assert.Equal(0, set.Disarm());
        Assert.True(Traffic.Receive(port, frame));
        set.Remove(port, 0);
    }

    [Fact]
    public void Shared_memory_drivers_interrupt_too()
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("kbintr");
        try
        {
            string socket = Path.Combine(directory.FullName, "vhost");
            static PortOptions Interrupts(PortOptions options) => options with { RxInterrupts = true };
            using Port vhost = eal.StartPort($"{eal.NewName("net_vhost")},iface={socket}", Interrupts);
            using Port virtio = eal.StartPort($"{eal.NewName("net_virtio_user")},path={socket}", Interrupts);
            Assert.True(Traffic.Until(() => vhost.GetLink().IsUp && virtio.GetLink().IsUp));
            AssertInterrupts(virtio, vhost);
            AssertInterrupts(vhost, virtio);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private void AssertInterrupts(Port from, Port to)
    {
        using var set = new RxInterruptSet();
        Assert.True(set.TryAdd(to, 0), to.Driver);
        byte[] frame = Traffic.Frame(80, 4);
        Assert.Equal(0, set.Arm());
        DrainUntilQuiet(to, set);
        Assert.Equal(0, set.Arm());
        Traffic.Send(from, eal.Pool, frame);
        Assert.True(set.Wait(10_000) == 1, $"no interrupt of {to.Driver}");
        Assert.Equal(0, set.Disarm());
        Assert.True(Traffic.Receive(to, frame));
        set.Remove(to, 0);
    }

    [Fact]
    public void Wake_ends_the_present_wait_and_the_next_one()
    {
        using var set = new RxInterruptSet();
        set.Wake();
        Assert.Equal(1, set.Wait(10_000));
        Assert.Equal(0, set.Wait(1));
        var clock = Stopwatch.StartNew();
        var waker = new Thread(() =>
        {
            Thread.Sleep(20);
            set.Wake();
        });
        waker.Start();
        Assert.Equal(1, set.Wait(10_000));
        waker.Join();
        Assert.True(clock.ElapsedMilliseconds < 9_000);
    }

    [Fact]
    public void A_driver_without_rx_interrupts_says_so()
    {
        using Port port = eal.StartPort(eal.NewName("net_null"), o => o with { RxInterrupts = true });
        using var set = new RxInterruptSet();
        Assert.False(set.TryAdd(port, 0));
    }

    [Fact]
    public void A_link_that_goes_down_is_an_event()
    {
        var events = new ConcurrentQueue<PortEvent>();
        eal.Eal.PortEventOccurred += events.Enqueue;
        try
        {
            string tap = eal.NewInterface();
            using Port port = eal.StartPort($"{eal.NewName("net_tap")},iface={tap}");
            Assert.True(port.GetLink().IsUp);
            VethPair.Ip("link", "set", tap, "down");
            var expected = new PortEvent(PortEventKind.Link, port.Id);
            Assert.True(Traffic.Until(() => events.Contains(expected)), "no event");
            Assert.False(port.GetLink().IsUp);
            Thread.Sleep(700);
            Assert.Equal(1, events.Count(each => each == expected));
        }
        finally
        {
            eal.Eal.PortEventOccurred -= events.Enqueue;
        }
    }

    // The kernel's own frames (multicast joins) may come at any time after the interface is up.
    private static unsafe void DrainUntilQuiet(Port port, RxInterruptSet set)
    {
        Mbuf* packets = stackalloc Mbuf[32];
        while (set.Wait(50) > 0 || Port.RxBurst(port.Id, 0, packets, 32) is ushort count and > 0 && Free(packets, count))
        {
        }
    }

    private static unsafe bool Free(Mbuf* packets, ushort count)
    {
        Mbuf.FreeBulk(packets, count);
        return true;
    }
}
