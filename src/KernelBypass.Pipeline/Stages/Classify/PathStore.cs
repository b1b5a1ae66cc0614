using KernelBypass.Pipeline.Tables;

namespace KernelBypass.Pipeline.Stages.Classify;

/// <summary>
/// Paths of more than two flows, of one lcore. A path is written once and shared by all packets that take it. Areas are filled
/// one after
/// another; one is used again when every packet that could point into it has left the switch: two whole grace periods later.
/// </summary>
internal sealed unsafe class PathStore(PipelineRoot* root) : IDisposable
{
    private const int Areas = 4;
    private const int AreaWords = 1 << 17;
    private const int InternCells = 4096;

    private readonly ulong* _memory = (ulong*)NativePages.Reserve(Areas * AreaWords * sizeof(ulong), "flow paths");
    private readonly nint[] _interned = new nint[InternCells];
    private readonly ulong[] _retiredAt = new ulong[Areas];
    private int _area;
    private int _used;
    private bool _wrapped;

    /// <summary>Grows when an area is left: cached pointers into it are void from then on.</summary>
    internal uint Flushes { get; private set; }

    /// <summary>The path of these flows, as pointers that stay valid as the flows do; null when all areas wait for grace
    /// periods.</summary>
    internal nint* Intern(FlowRule** flows, int count)
    {
        var hash = FlowHash.Mix(FlowHash.Seed, (ulong)count);
        for (var i = 0; i < count; i++) hash = FlowHash.Mix(hash, (ulong)flows[i]);
        ref var cell = ref _interned[FlowHash.Finish(hash) % InternCells];
        if (cell != 0 && Equal((ulong*)cell, flows, count)) return (nint*)cell + 1;
        if (_used + count + 1 > AreaWords && !NextArea()) return null;

        var path = _memory + _area * AreaWords + _used;
        _used += count + 1;
        path[0] = (ulong)count;
        for (var i = 0; i < count; i++) path[i + 1] = (ulong)flows[i];
        cell = (nint)path;
        return (nint*)path + 1;
    }

    public void Dispose() => NativePages.Unmap(_memory, Areas * AreaWords * sizeof(ulong));

    private static bool Equal(ulong* path, FlowRule** flows, int count)
    {
        if (path[0] != (ulong)count) return false;
        for (var i = 0; i < count; i++)
            if (path[i + 1] != (ulong)flows[i]) return false;
        return true;
    }

    private bool NextArea()
    {
        var graces = Volatile.Read(ref root->CompletedGraces);
        var next = (_area + 1) % Areas;
        if ((_wrapped || next == 0) && graces < _retiredAt[next] + 2) return false;
        _wrapped |= next == 0;
        _retiredAt[_area] = graces;
        (_area, _used) = (next, 0);
        Flushes++;
        Array.Clear(_interned);
        return true;
    }
}
