using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KernelBypass.Dpdk;
using KernelBypass.Pipeline.Capture;
using KernelBypass.Pipeline.Packets;

namespace KernelBypass.Pipeline.Engine;

/// <summary>
/// One worker lcore: runs its chain, turn after turn. What the chain is changes only while the lcore is stopped. A turn is a
/// quiescent
/// state: nothing read from a table in one turn is used in the next.
/// </summary>
internal sealed unsafe partial class LcoreWorker : IDisposable
{
    private const int FullEnough = 16; // bursts below are always timed: then there is time to spare
    private const int SampleMask = 7; // of the others one in eight
    private const int FreeRoom = 256;

    private readonly LcoreBlock* _block;
    private readonly nint[] _pinned;
    private readonly void** _packets;
    private readonly void** _free;
    private readonly LcoreMetrics _metrics;
    private readonly GCHandle _self;
    private readonly double _nsPerCycle;
    private readonly ulong _interrupted;
    private IdleBackoff _backoff;
    private StageSlot[] _slots = [];
    private RingInput? _input;
    private RingOutput? _output;
    private ProbeSet? _probes;
    private ulong _last;
    private ulong _recentGap;
    private ulong _previousGap;
    private ulong _longestGap;
    private int _gapEpoch;
    private int _freeCount;
    private int _extraWork;
    private int _busyTurns;
    private bool _wasBusy;

    internal LcoreWorker(int lcore, EngineOptions options, LcoreMetrics metrics)
    {
        Lcore = lcore;
        _metrics = metrics;
        _block = (LcoreBlock*)NativeMemory.AlignedAlloc((nuint)sizeof(LcoreBlock), 64);
        *_block = default;
        _block->Quiescent = 1;
        _pinned = GC.AllocateArray<nint>(Burst.Capacity + FreeRoom, pinned: true);
        _packets = (void**)Unsafe.AsPointer(ref _pinned[0]);
        _free = _packets + Burst.Capacity;
        _backoff = new IdleBackoff(options);
        _nsPerCycle = 1e9 / Tsc.Frequency;
        _interrupted = Tsc.Frequency / 20_000; // 50 us
        _self = GCHandle.Alloc(this);
    }

    internal int Lcore { get; }

    internal LcoreBlock* Block => _block;

    internal ref readonly LcoreMetrics Metrics => ref _metrics;

    internal ReadOnlySpan<StageSlot> Slots => _slots;

    internal LinkRing? InputRing => _input?.Ring;

    /// <summary>Whether its function runs.</summary>
    internal bool IsRunning => Volatile.Read(ref _block->Running) != 0;

    /// <summary>Puts capture taps and traces in force, from the next turn on; null: none.</summary>
    internal void SetProbes(ProbeSet? probes) => Volatile.Write(ref _probes, probes);

    /// <summary>Gives the stopped lcore its chain.</summary>
    internal void Configure(StageSlot[] slots, RingInput? input, RingOutput? output)
    {
        _slots = slots;
        _input = input;
        _output = output;
    }

    /// <summary>Starts the loop on the lcore. Called by the main lcore.</summary>
    internal void Launch()
    {
        Volatile.Write(ref _block->StopRequested, 0);
        Volatile.Write(ref _block->Running, 1);
        Dpdk.Lcore.Launch((uint)Lcore, &Enter, (void*)GCHandle.ToIntPtr(_self));
    }

    /// <summary>Asks the lcore to stop at its next burst boundary, with rings and buffers empty.</summary>
    internal void RequestStop() => Volatile.Write(ref _block->StopRequested, 1);

    /// <summary>Takes the request back.</summary>
    internal void CancelStop() => Volatile.Write(ref _block->StopRequested, 0);

    /// <summary>Begins a new window for the longest gap.</summary>
    internal void NextGapWindow() => Volatile.Write(ref _block->GapEpoch, _block->GapEpoch + 1);

    public void Dispose()
    {
        if (!_self.IsAllocated) return;
        _self.Free();
        NativeMemory.AlignedFree(_block);
    }

    [UnmanagedCallersOnly]
    private static int Enter(void* argument)
    {
        ((LcoreWorker)GCHandle.FromIntPtr((nint)argument).Target!).Run();
        return 0;
    }

    private void Run()
    {
        IdleBackoff.RemoveTimerSlack();
        _last = Tsc.Read();
        _backoff.Reset();
        _wasBusy = false;
        Interlocked.Exchange(ref _block->Quiescent, 0);
        while (Volatile.Read(ref _block->StopRequested) == 0) RunTurn();
        DrainAll();
        Volatile.Write(ref _block->Quiescent, 1);
        Volatile.Write(ref _block->Running, 0);
    }

    /// <summary>One turn: a burst through the chain. Returns how many packets there were.</summary>
    internal int RunTurn()
    {
        var burst = new Burst { Packets = _packets, Count = 0 };
        var slots = _slots;
        var first = 0;
        _extraWork = 0;
        if (_input is not null)
        {
            _input.Receive(ref burst);
        }
        else
        {
            slots[0].Stage.Process(ref burst);
            slots[0].Count(burst.Count);
            first = 1;
        }

        var received = burst.Count;
        var probes = Volatile.Read(ref _probes);
        if (probes is null && (received == 0 || !IsSampled(received)))
        {
            for (var i = first; i < slots.Length; i++)
            {
                slots[i].Count(burst.Count);
                slots[i].Stage.Process(ref burst);
            }
        }
        else
        {
            RunObserved(ref burst, first, probes);
        }

        _output?.Send(ref burst);
        EndTurn(received);
        return received;
    }

    /// <summary>Frees a packet with others, at the latest at the end of the turn.</summary>
    internal void Free(void* mbuf)
    {
        if (_freeCount == FreeRoom) FlushFree();
        _free[_freeCount++] = mbuf;
    }

    internal void AddWork(int packets) => _extraWork += packets;

    internal void DropRingFull(void* mbuf)
    {
        *_metrics.RingFull += 1;
        ObserveDrop(mbuf, 1 + EngineDropReasons.RingFull);
        Free(mbuf);
    }

    private bool IsSampled(int received) => received < FullEnough || (++_busyTurns & SampleMask) == 0;

    private void RunObserved(ref Burst burst, int first, ProbeSet? probes)
    {
        var weight = burst.Count < FullEnough ? 1u : SampleMask + 1;
        var slots = _slots;
        var before = Tsc.Read();
        if (first == 1) AddCycles(slots[0].Cycles, before - _last, weight);
        if (first == 1 && probes is not null) probes.After(this, slots[0].Index, ref burst);
        for (var i = first; i < slots.Length; i++)
        {
            probes?.Before(this, slots[i].Index, ref burst);
            slots[i].Count(burst.Count);
            slots[i].Stage.Process(ref burst);
            if (probes is null)
            {
                var after = Tsc.Read();
                AddCycles(slots[i].Cycles, after - before, weight);
                before = after;
            }
            else
            {
                probes.After(this, slots[i].Index, ref burst);
            }
        }
    }

    // A sample during which the kernel took the CPU away stands for itself alone.
    private void AddCycles(ulong* counter, ulong cycles, uint weight) =>
        *counter += cycles < _interrupted ? cycles * weight : cycles;

    private void EndTurn(int received)
    {
        if (_freeCount != 0) FlushFree();
        _input?.MarkDone(received);
        // The exchange is a full fence: what the next turn reads of the tables is read after this store is seen.
        Interlocked.Exchange(ref _block->Turn, _block->Turn + 1);
        var now = Tsc.Read();
        var elapsed = now - _last;
        _last = now;
        *_metrics.Loops += 1;
        if (received + _extraWork != 0)
        {
            *_metrics.BusyCycles += elapsed;
            *_metrics.Packets += (ulong)received;
            if (elapsed > _recentGap && _wasBusy) NoteGap(elapsed);
            _wasBusy = true;
            _backoff.Reset();
            return;
        }

        *_metrics.IdleCycles += elapsed;
        _wasBusy = false;
        if (_block->GapEpoch != _gapEpoch) BeginGapWindow();
        var sleep = _backoff.Next();
        if (sleep != 0) Sleep(sleep);
    }

    private void Sleep(long nanoseconds)
    {
        Volatile.Write(ref _block->Quiescent, 1);
        IdleBackoff.Sleep(nanoseconds);
        Interlocked.Exchange(ref _block->Quiescent, 0);
        var now = Tsc.Read();
        *_metrics.IdleCycles += now - _last;
        *_metrics.AsleepCycles += now - _last;
        *_metrics.Sleeps += 1;
        _last = now;
    }

    private void NoteGap(ulong elapsed)
    {
        if (_block->GapEpoch != _gapEpoch) BeginGapWindow();
        _recentGap = Math.Max(_recentGap, elapsed);
        _longestGap = Math.Max(_longestGap, elapsed);
        *_metrics.LongestGapNs = (ulong)(_longestGap * _nsPerCycle);
        *_metrics.RecentGapNs = (ulong)(Math.Max(_recentGap, _previousGap) * _nsPerCycle);
    }

    private void BeginGapWindow()
    {
        _gapEpoch = _block->GapEpoch;
        _previousGap = _recentGap;
        _recentGap = 0;
        *_metrics.RecentGapNs = (ulong)(_previousGap * _nsPerCycle);
    }

    private void FlushFree()
    {
        Mbuf.FreeBulk((Mbuf*)_free, (uint)_freeCount);
        _freeCount = 0;
    }

    /// <summary>Producers have stopped: empties the ring, then every stage's buffers, through the rest of the chain.</summary>
    private void DrainAll()
    {
        while (_input is not null && _input.Ring.Used != 0) RunTurn();
        var slots = _slots;
        for (var i = 0; i < slots.Length; i++)
        {
            var burst = new Burst { Packets = _packets, Count = 0 };
            slots[i].Stage.Drain(ref burst);
            for (var k = i + 1; k < slots.Length && burst.Count != 0; k++)
            {
                slots[k].Count(burst.Count);
                slots[k].Stage.Process(ref burst);
            }

            _output?.Send(ref burst);
        }

        if (_freeCount != 0) FlushFree();
        Interlocked.Exchange(ref _block->Turn, _block->Turn + 1);
    }
}
