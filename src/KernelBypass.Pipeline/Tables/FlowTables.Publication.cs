using KernelBypass.Model.Flows;
using Key = KernelBypass.Model.Flows.FlowKeyLayout;

namespace KernelBypass.Pipeline.Tables;

// How changes come into force, and how what they leave behind is freed.
public sealed unsafe partial class FlowTables
{
    /// <summary>Changes under one mask, beyond those under others, after which that mask becomes the partition.</summary>
    private const int PartitionVotes = 256;

    private const int MetadataWord = Key.Metadata / 8;

    private readonly uint[] _rewriting = new uint[3];
    private FlowKey _union;
    private FlowKey _partition;
    private FlowKey _candidate;
    private int _candidateVotes;
    private bool _hasPartition;
    private bool _viewDirty;
    private bool _unionDirty;
    private bool _isDirect;
    private ulong _graceToken;
    private bool _graceRuns;

    /// <summary>Words of the key that some flow looks at: bit i is word i.</summary>
    public uint NeededWords { get; private set; }

    /// <summary>Number of the pipeline's present version: it grows when cached results become void.</summary>
    public ulong Version { get; private set; }

    /// <summary>Whether lookups go past the lcores' caches, because one probe of table 0 is as cheap.</summary>
    public bool IsDirect => _isDirect;

    /// <summary>Puts all changes since the last call in force: one new version for a whole batch, none when each concerned
    /// only the packets of its own match.</summary>
    public void Publish()
    {
        var complete = true;
        var masksChanged = _unionDirty;
        foreach (var table in _tables)
        {
            complete &= table.Publish();
            masksChanged |= table.MasksChanged;
            table.MasksChanged = false;
        }

        if (masksChanged) UpdateUnion();
        var direct = _tables[0].IsDirect;
        _viewDirty |= direct != _isDirect;
        _isDirect = direct;
        if (_viewDirty) complete &= PublishView();
        if (complete) _retired.Seal();
    }

    /// <summary>
    /// Frees what no lcore can see any more, at most <paramref name="budget"/> pieces. Call it regularly: every turn of the
    /// main loop, say.
    /// </summary>
    /// <returns>Pieces freed.</returns>
    public int Reclaim(int budget = 4096)
    {
        Publish();
        AdvanceGraces();
        var freed = 0;
        for (; freed < budget && _retired.TryTake(out var kind, out var pointer, out var size); freed++)
        {
            switch (kind)
            {
                case RetiredKind.Slot:
                    _store.FreeSlot((uint)size);
                    break;
                case RetiredKind.Hash:
                    _writer.FreeHash((TupleHash*)pointer);
                    break;
                default:
                    _store.Hot.Free(pointer, (nuint)size);
                    break;
            }
        }

        return freed;
    }

    /// <summary>Pieces of memory that wait for a grace period.</summary>
    public long RetiredCount => _retired.Count;

    private bool EnsureRetireRoom()
    {
        if (_retired.HasRoom) return true;
        Reclaim(int.MaxValue);
        return _retired.HasRoom;
    }

    private bool TakeSlot(out uint slot)
    {
        if (_store.TryTakeSlot(out slot)) return true;
        Reclaim(int.MaxValue);
        return _store.TryTakeSlot(out slot);
    }

    private void RetireRule(FlowRule* rule) => _retired.Add(RetiredKind.Block, rule, rule->BlockBytes);

    private void AdvanceGraces()
    {
        if (_graceRuns)
        {
            if (!_options.GracePeriod.HasPassed(_graceToken)) return;
            Volatile.Write(ref _root->CompletedGraces, _root->CompletedGraces + 1);
        }

        _graceToken = _options.GracePeriod.Start();
        _graceRuns = true;
    }

    /// <summary>
    /// Notes that packets under a match may now meet other flows. If the match fixes every bit of the partition, they all have
    /// one epoch cell, and
    /// only what is cached for that cell is void. In later tables that holds as long as no flow rewrites the key on the way
    /// there.
    /// </summary>
    private void MarkChanged(byte tableId, in FlowKey mask, in FlowKey key)
    {
        var keyIsOriginal = tableId == 0 || (_rewriting[0] | _rewriting[1] | _rewriting[2]) == 0;
        if (keyIsOriginal && _hasPartition && KeyAlgebra.Covers(mask, _partition))
        {
            ref var cell = ref _root->Epochs[PartitionCell(key)];
            Volatile.Write(ref cell, cell + 1);
            if (_candidateVotes > 0) _candidateVotes--;
            return;
        }

        _viewDirty = true;
        if (keyIsOriginal) Vote(mask);
    }

    /// <summary>Boyer and Moore's majority vote over the masks of the changes that the partition does not cover.</summary>
    private void Vote(in FlowKey mask)
    {
        if (_candidateVotes > 0 && KeyAlgebra.Equal(mask, _candidate))
        {
            if (++_candidateVotes < PartitionVotes) return;
            _partition = mask;
            _partition[MetadataWord] = 0;
            _hasPartition = KeyAlgebra.Bits(_partition) > 0;
            _candidateVotes = 0;
        }
        else if (_candidateVotes > 0)
        {
            _candidateVotes--;
        }
        else
        {
            (_candidate, _candidateVotes) = (mask, 1);
        }
    }

    private uint PartitionCell(in FlowKey key)
    {
        var hash = FlowHash.Seed;
        for (var i = 0; i < Key.Words; i++)
            if (_partition[i] != 0) hash = FlowHash.Mix(hash, key[i] & _partition[i]);
        return (uint)(FlowHash.Finish(hash) % PipelineRoot.EpochCells);
    }

    private void CountRewrites(FlowRule* rule, int change)
    {
        for (var i = 0; i < _rewriting.Length; i++)
        {
            if (((int)rule->Rewrites & (1 << i)) == 0) continue;
            var before = _rewriting[i];
            _rewriting[i] = (uint)((int)before + change);
            _unionDirty |= before == 0 || _rewriting[i] == 0;
        }
    }

    /// <summary>
    /// Counts a flow that is about to be published, and widens the union mask for it first: from the moment that lcores can
    /// meet the flow,
    /// what they cache must tell apart the packets that it tells apart.
    /// </summary>
    private bool WidenUnion(in FlowKey mask, FlowRule* rule)
    {
        CountRewrites(rule, 1);
        var union = _union;
        for (var i = 0; i < Key.Words; i++) union[i] |= mask[i];
        AddRewriteBits(ref union);
        for (var i = 0; i < Key.Words; i++) NeededWords |= mask[i] != 0 ? 1u << i : 0;
        if (KeyAlgebra.Equal(union, _union)) return true;
        var before = _union;
        _union = union;
        if (PublishView()) return true;
        _union = before;
        CountRewrites(rule, -1);
        return false;
    }

    /// <summary>Ors all masks again after some have gone.</summary>
    private void UpdateUnion()
    {
        FlowKey union = default;
        foreach (var table in _tables) table.AddMasksTo(ref union);
        uint needed = 0;
        for (var i = 0; i < Key.Words; i++) needed |= union[i] != 0 ? 1u << i : 0;
        NeededWords = needed;
        AddRewriteBits(ref union);
        _unionDirty = false;
        if (KeyAlgebra.Equal(union, _union)) return;
        _union = union;
        _viewDirty = true;
    }

    /// <summary>
    /// Adds the bits that a rewritten key is made from, if tables look at what is made: a popped tag shows the inner one, a
    /// decremented
    /// TTL's bits depend on all of its bits, tags are not set on untagged packets, nor ports on later fragments. Takes metadata
    /// out.
    /// </summary>
    private void AddRewriteBits(ref FlowKey union)
    {
        var bytes = union.Bytes;
        var tags = bytes.Slice(Key.VlanTci, 2).IndexOfAnyExcept((byte)0) >= 0
            || bytes.Slice(Key.InnerVlanTci, 4).IndexOfAnyExcept((byte)0) >= 0
            || bytes.Slice(Key.VlanTpid, 2).IndexOfAnyExcept((byte)0) >= 0;
        var ports = bytes.Slice(Key.L4Src, 4).IndexOfAnyExcept((byte)0) >= 0;
        if (_rewriting[0] != 0 && ports) bytes[Key.IpFrag] |= Key.FragLater;
        if (_rewriting[0] != 0 && tags) bytes[Key.VlanTci] |= Key.VlanPresent >> 8;
        if (_rewriting[1] != 0 && tags)
        {
            bytes.Slice(Key.VlanTci, 2).Fill(0xff);
            bytes.Slice(Key.InnerVlanTci, 4).Fill(0xff);
            bytes.Slice(Key.VlanTpid, 2).Fill(0xff);
        }

        if (_rewriting[2] != 0 && bytes[Key.IpTtl] != 0) bytes[Key.IpTtl] = 0xff;
        union[MetadataWord] = 0;
    }

    private bool PublishView()
    {
        var view = (PipelineView*)_store.Hot.AllocateZeroed((nuint)sizeof(PipelineView));
        if (view == null) return false;
        view->Version = ++Version;
        MaskWords.Fill(&view->Union, _union);
        if (_hasPartition) MaskWords.Fill(&view->Partition, _partition);
        view->IsDirect = _isDirect ? (byte)1 : (byte)0;
        var old = _root->View;
        Volatile.Write(ref *(nint*)&_root->View, (nint)view);
        if (old != null) _retired.Add(RetiredKind.Block, old, (ulong)sizeof(PipelineView));
        _viewDirty = false;
        return true;
    }
}
