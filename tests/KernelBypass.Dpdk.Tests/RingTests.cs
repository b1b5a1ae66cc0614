using FsCheck;
using FsCheck.Fluent;

namespace KernelBypass.Dpdk.Tests;

[Collection(EalCollection.Name)]
public sealed unsafe class RingTests(EalFixture eal)
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_ring_is_a_bounded_fifo(bool single)
    {
        const int Capacity = 50;
        using Ring ring = Ring.Create(new RingOptions { Capacity = Capacity, SingleProducer = single, SingleConsumer = single });
        Assert.Equal((uint)Capacity, ring.Capacity);
        // Positive: enqueue a burst of as many; negative: dequeue.
        Prop.ForAll(Gen.Choose(-60, 60).ArrayOf().ToArbitrary(), bursts => SameAsQueue(ring, Capacity, bursts))
            .QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_bulk_goes_in_whole_or_not()
    {
        using Ring ring = Ring.Create(new RingOptions { Name = eal.NewName("bulk"), Capacity = 8 });
        Mbuf* packets = stackalloc Mbuf[8];
        Assert.True(ring.EnqueueBulk(packets, 5));
        Assert.False(ring.EnqueueBulk(packets, 4));
        Assert.Equal(5u, ring.Count);
        Assert.Equal(3u, ring.FreeCount);
        Assert.Equal(3u, ring.EnqueueBurst(packets, 4));
        Assert.Equal(8u, Ring.DequeueBurst(ring.Pointer, packets, 8));
    }

    [Fact]
    public void A_name_is_given_once()
    {
        var options = new RingOptions { Name = eal.NewName("once") };
        using Ring ring = Ring.Create(options);
        Assert.Contains("name taken", Assert.Throws<DpdkException>(() => Ring.Create(options)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Ring.Create(new RingOptions { Capacity = 0 }));
    }

    private static bool SameAsQueue(Ring ring, int capacity, int[] bursts)
    {
        var model = new Queue<nint>();
        void** objects = stackalloc void*[64];
        nint next = 1;
        bool same = true;
        foreach (int burst in bursts.Append(-64))
        {
            if (burst > 0)
            {
                for (int i = 0; i < burst; i++)
                    objects[i] = (void*)(next + i);
                uint took = ring.EnqueueBurst(objects, (uint)burst);
                same &= took == Math.Min(burst, capacity - model.Count);
                for (int i = 0; i < took; i++)
                    model.Enqueue(next + i);
                next += burst;
            }
            else
            {
                uint gave = ring.DequeueBurst(objects, (uint)-burst);
                same &= gave == Math.Min(-burst, model.Count);
                for (int i = 0; i < gave; i++)
                    same &= model.Dequeue() == (nint)objects[i];
            }

            same &= ring.Count == model.Count;
        }

        return same;
    }
}
