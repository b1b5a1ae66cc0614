using System.Buffers.Binary;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Counters;
using KernelBypass.Pipeline.Engine;
using KernelBypass.Pipeline.Ports;
using KernelBypass.Pipeline.Stages;

namespace KernelBypass.Pipeline.Tests.Engine;

/// <summary>An engine with a net_ring port that the test feeds (number 1) and a net_null port that swallows (number 2).</summary>
internal sealed unsafe class TestSwitch : IDisposable
{
    internal const uint In = 1;
    internal const uint Out = 2;
    internal const int FrameLength = 64;

    private readonly EalFixture _eal;
    private readonly int _queues;
    private uint _sequence;

    internal TestSwitch(
        EalFixture eal, IReadOnlyList<StageSpec> stages, IReadOnlyList<ChainSpec> placement, StageCatalogue? catalogue = null,
        EngineOptions? options = null, StageServices? services = null, int queues = 1)
    {
        _eal = eal;
        _queues = queues;
        Engine = new PipelineEngine(
            options ?? SmallOptions, new PipelineDescription(stages, placement), catalogue ?? StageCatalogue.Default,
            services ?? new StageServices(), Counters);
        Engine.Ports.Attach(new PortSpec
        {
            Name = "in",
            Number = In,
            Device = eal.NewDevice("net_ring"),
            RxQueues = (ushort)queues,
            TxQueues = (ushort)queues,
        });
        Engine.Ports.Attach(new PortSpec { Name = "out", Number = Out, Device = $"{eal.NewDevice("net_null")},no-rx=1" });
    }

    /// <summary>Small pools, and lcores that soon sleep: they share two CPUs.</summary>
    internal static EngineOptions SmallOptions { get; } = new()
    {
        RxPoolSize = 2047,
        CopyPoolSize = 2047,
        PoolCacheSize = 32,
        RingSize = 512,
        RingRetryMicroseconds = 5_000_000,
        IdleSpinPolls = 20,
        IdlePausePolls = 20,
    };

    internal NativeCounterSpace Counters { get; } = new();

    internal PipelineEngine Engine { get; }

    internal ulong Sent => Engine.Ports.Stats("out", out _).TxPackets;

    internal static StageSpec[] WireStages { get; } = [new("rx"), WireTo(Out), new("tx")];

    internal static StageSpec WireTo(uint port) => new("wire", "wire", new Dictionary<string, long> { ["forward_to"] = port });

    /// <summary>Feeds packets of 16 flows, each with its number in its flow; gives up after 20 seconds.</summary>
    internal void Feed(int count)
    {
        var port = Engine.Ports.Directory.Current.Ports[0].DpdkPort;
        var deadline = DateTime.UtcNow.AddSeconds(20);
        for (var i = 0; i < count; i++)
        {
            var flow = _sequence % 16;
            var packet = Make(flow, _sequence / 16);
            _sequence++;
            while (Port.TxBurst(port, (ushort)(flow % (uint)_queues), &packet, 1) == 0)
            {
                Assert.True(DateTime.UtcNow < deadline, "The input ring stayed full: the engine does not receive.");
                Thread.Yield();
            }
        }
    }

    /// <summary>Waits until the out port has sent so many in all; fails after 20 seconds.</summary>
    internal void AwaitSent(ulong count) => Await(() => Sent == count, () => $"sent {Sent} of {count}; {Drops()}");

    internal static void Await(Func<bool> condition, Func<string> state)
    {
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, state());
            Thread.Sleep(1);
        }
    }

    internal string Drops() => string.Join(", ", Engine.Drops().Where(d => d.Packets > 0).Select(d => $"{d.Stage}/{d.Reason} {d.Packets}"));

    public void Dispose()
    {
        Engine.Dispose();
        Counters.Dispose();
    }

    private Mbuf Make(uint flow, uint sequence)
    {
        Mbuf packet;
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while ((packet = _eal.Pool.Allocate()).IsNull)
        {
            Assert.True(DateTime.UtcNow < deadline, "The test's mempool stayed empty: packets are lost.");
            Thread.Yield();
        }

        var frame = new Span<byte>(packet.Append(FrameLength), FrameLength);
        frame.Clear();
        frame[5] = (byte)flow;
        frame[11] = (byte)(flow + 100);
        BinaryPrimitives.WriteUInt16BigEndian(frame[12..], 0x88b5); // local experimental ethertype
        BinaryPrimitives.WriteUInt32LittleEndian(frame[16..], flow);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[20..], sequence);
        return packet;
    }
}
