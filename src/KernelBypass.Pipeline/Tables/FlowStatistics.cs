using System.Runtime.CompilerServices;

namespace KernelBypass.Pipeline.Tables;

/// <summary>
/// Flow counters: for each lcore an array of {packets, bytes}, 16 bytes a slot, that this lcore alone writes. In shared memory
/// in the
/// data plane, in ordinary memory in tests.
/// </summary>
public sealed unsafe class FlowStatistics : IDisposable
{
    /// <summary>Bytes of one slot of one lcore.</summary>
    public const int SlotBytes = 16;

    private readonly nint[] _lanes;
    private readonly int[] _lcores;
    private readonly nuint _ownedBytes;

    /// <param name="lcores">The lcores that classify, each once.</param>
    /// <param name="lanes">For each of them, <paramref name="slots"/> x 16 zeroed bytes, aligned to 16.</param>
    /// <param name="slots">Slots of each array.</param>
    /// <exception cref="ArgumentException">The two lists differ in length.</exception>
    public FlowStatistics(ReadOnlySpan<int> lcores, ReadOnlySpan<nint> lanes, uint slots)
    {
        if (lcores.Length != lanes.Length)
            throw new ArgumentException("each lcore needs one array of flow counters", nameof(lanes));
        _lcores = lcores.ToArray();
        _lanes = lanes.ToArray();
        Slots = slots;
    }

    private FlowStatistics(int[] lcores, nint[] lanes, uint slots, nuint ownedBytes)
        : this(lcores, lanes, slots) => _ownedBytes = ownedBytes;

    /// <summary>Slots of each array.</summary>
    public uint Slots { get; }

    /// <summary>Counters in ordinary memory of the process.</summary>
    public static FlowStatistics InProcess(uint slots, params ReadOnlySpan<int> lcores)
    {
        var lanes = new nint[lcores.Length];
        var bytes = (nuint)slots * SlotBytes;
        for (var i = 0; i < lanes.Length; i++) lanes[i] = (nint)NativePages.Reserve(bytes, "flow counters");
        return new(lcores.ToArray(), lanes, slots, bytes);
    }

    /// <summary>The array of an lcore.</summary>
    /// <exception cref="ArgumentException">The lcore was not named at set-up.</exception>
    public ulong* ForLcore(int lcoreId)
    {
        var lane = Array.IndexOf(_lcores, lcoreId);
        if (lane < 0)
            throw new ArgumentException($"lcore {lcoreId} has no flow counters: name it as a classifying lcore", nameof(lcoreId));
        return (ulong*)_lanes[lane];
    }

    /// <summary>A slot's counters, summed over the lcores.</summary>
    public void Read(uint slot, out ulong packets, out ulong bytes)
    {
        (packets, bytes) = (0, 0);
        foreach (var lane in _lanes)
        {
            var counters = (ulong*)lane + 2 * (ulong)slot;
            packets += Volatile.Read(ref counters[0]);
            bytes += Volatile.Read(ref counters[1]);
        }
    }

    /// <summary>Zeroes a slot that no lcore writes to any more.</summary>
    internal void Clear(uint slot)
    {
        foreach (var lane in _lanes) Unsafe.InitBlockUnaligned((ulong*)lane + 2 * (ulong)slot, 0, SlotBytes);
    }

    /// <summary>Gives memory of <see cref="InProcess"/> back.</summary>
    public void Dispose()
    {
        if (_ownedBytes == 0) return;
        foreach (var lane in _lanes) NativePages.Unmap((void*)lane, _ownedBytes);
        Array.Clear(_lanes);
    }
}
