using System.Runtime.InteropServices;
using KernelBypass.Dpdk.Native;
using KernelBypass.Model.Flows;
using KernelBypass.Pipeline.Packets;
using KernelBypass.Pipeline.Stages.Classify;
using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Tests.Tables;

/// <summary>One lcore's classify stage over mbufs without data: only their private area is looked at.</summary>
internal sealed unsafe class ClassifyLane : IDisposable
{
    private const int MbufBytes = RteMbuf.SizeInBytes + PacketMeta.Size;

    private readonly byte* _mbufs = (byte*)NativeMemory.AlignedAlloc(Burst.MaxReceive * MbufBytes, 64);
    private readonly void** _packets = (void**)NativeMemory.Alloc(Burst.MaxReceive, (nuint)sizeof(void*));
    private int _kept;

    internal ClassifyLane(FlowTables tables, int lcore, long cacheEntries)
    {
        Context = new CountingContext(lcore, cacheEntries);
        Stage = new ClassifyStage(Context, tables);
    }

    internal CountingContext Context { get; }

    internal ClassifyStage Stage { get; }

    /// <summary>Classifies up to 32 packets in one burst. Allocates nothing.</summary>
    internal void Run(ReadOnlySpan<FlowKey> keys, uint length = 64)
    {
        for (var i = 0; i < keys.Length; i++)
        {
            _packets[i] = _mbufs + i * MbufBytes;
            *Meta(i) = new PacketMeta { Key = keys[i], WireLength = length };
        }

        var burst = new Burst { Packets = _packets, Count = keys.Length };
        Stage.Process(ref burst);
        _kept = burst.Count;
    }

    internal PacketMeta* Meta(int i) => (PacketMeta*)(_mbufs + i * MbufBytes + RteMbuf.SizeInBytes);

    /// <summary>Whether packet <paramref name="i"/> of the last burst is still in it.</summary>
    internal bool Kept(int i) => new ReadOnlySpan<nint>(_packets, _kept).Contains((nint)(_mbufs + i * MbufBytes));

    /// <summary>The first flow that packet <paramref name="i"/> met, or null.</summary>
    internal FlowEntry* First(int i) => Meta(i)->FlowCount == 0 ? null : *(FlowEntry**)Path(i);

    /// <summary>Pointers to the entries that packet <paramref name="i"/> met, even if it was dropped then.</summary>
    internal nint[] Entries(int i) => new ReadOnlySpan<nint>(Path(i), Math.Max(0, Meta(i)->FlowCount)).ToArray();

    public void Dispose()
    {
        Stage.Dispose();
        Context.Dispose();
        NativeMemory.AlignedFree(_mbufs);
        NativeMemory.Free(_packets);
    }

    private nint* Path(int i) => Meta(i)->FlowPath != 0 ? (nint*)Meta(i)->FlowPath : &Meta(i)->Flow0;
}
